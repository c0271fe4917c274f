"""Verify access tokens, each once, and remember their principals. Knows nothing of HTTP requests."""

import time
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from typing import Any

from django.core.signals import setting_changed

from authz_app.conf import conf
from authz_app.issuers import TrustedIssuer
from authz_app.policy.principal import Principal
from authz_app.tokens.access_token import check_algorithm, inspect, verify
from authz_app.tokens.cache import TokenCache
from authz_app.tokens.errors import BadSignature, UnknownIssuer
from authz_app.tokens.issuer_keys import IssuerKeySets
from authz_app.tokens.signing_key import public_jwks


class TokenVerifier:
    """Turns access tokens of ``issuers`` into principals. ``clock`` gives seconds since the epoch."""

    def __init__(
        self, issuers: Iterable[TrustedIssuer], keys: IssuerKeySets, leeway: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._keys = keys
        self._leeway = leeway
        self._clock = clock
        self._principals = TokenCache(leeway)

    async def verify(self, token: str) -> Principal:
        """The principal that ``token`` proves.

        Raises:
            InvalidToken: it proves none.
            IssuerUnavailable: the keys to prove it with cannot be had now.
        """
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        generation = self._keys.generation
        principal = self._principals.get(digest, generation, self._clock())
        if principal is None:
            principal = await self.prove(token)
            self._principals.put(digest, generation, principal)
        return principal

    async def prove(self, token: str) -> Principal:
        """Verify ``token`` anew, whatever is remembered."""
        unverified = inspect(token)
        issuer = self._issuers.get(unverified.issuer)
        if issuer is None:
            raise UnknownIssuer(unverified.issuer)
        # Before the key is looked for, so that a token that no key could save causes no fetch.
        check_algorithm(unverified, issuer)
        keys = await self._keys.find(issuer, unverified.key_id, unverified.algorithm)
        try:
            return verify(unverified, issuer, keys, self._clock(), self._leeway)
        except BadSignature:
            # A key without an id, or a new one under the old id, is noticed by nothing else.
            keys = await self._keys.find_newer(issuer, unverified.key_id, unverified.algorithm, keys)
            return verify(unverified, issuer, keys, self._clock(), self._leeway)

    def start(self) -> None:
        """Begin to read the issuers' keys, without waiting for them."""
        self._keys.start()

    def failing(self) -> list[str]:
        """What is wrong with issuers whose keys could not be read, in sentences."""
        return self._keys.failing()

    def close(self) -> None:
        """End the refresh of keys in the background."""
        self._keys.close()


@cache
def verifier() -> TokenVerifier:
    """The verifier of this process, for the issuers in its settings."""
    configuration = conf()
    issuers = configuration.trusted_issuers
    return TokenVerifier(issuers, IssuerKeySets(issuers, public_jwks), configuration.token_leeway)


def _forget(**_: Any) -> None:
    if verifier.cache_info().currsize:
        verifier().close()
    verifier.cache_clear()


setting_changed.connect(_forget, dispatch_uid="authz_app.tokens.verifier")
