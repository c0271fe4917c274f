"""Makes principals that are only assumed: for questions about decisions, never for calls."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from asgiref.sync import async_to_sync

from authz_app.conf import conf
from authz_app.policy.decision import Client
from authz_app.policy.policy import Policy
from authz_app.policy.principal import Principal
from authz_app.tokens.claim_limits import refuse_unstorable
from authz_app.tokens.claims import principal_of
from authz_app.tokens.errors import AuthenticationError, InvalidToken, UnknownIssuer
from authz_app.tokens.verifier import verifier


class BadIdentity(ValueError):
    """Raised where it is not clear who is meant. ``part`` is what to mend: client, claims or token."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


def principal_for(
    client: tuple[str, str] | None, claims: Mapping[str, Any] | None, token: str, token_scopes: Collection[str]
) -> Principal:
    """Make the principal of a token; or of a client's issuer and subject, of a token's claims, or of both.

    Raises:
        BadIdentity: nobody is, or nobody who could call.
    """
    if token:
        if client is not None or claims is not None or token_scopes:
            raise BadIdentity("token", "A token says all by itself: give nothing else of its client, claims or scopes.")
        return _proven(token)
    if client is None and claims is None:
        raise BadIdentity("client", "Say who is meant: a client, the claims of a token, or a token.")
    merged = {**(claims or {})}
    if client is not None:
        named = {"iss": client[0], "sub": client[1]}
        if any(merged.get(claim, value) != value for claim, value in named.items()):
            raise BadIdentity("claims", "These are the claims of another client: iss and sub can be left out.")
        merged |= named
    try:
        return simulated(merged, token_scopes)
    except InvalidToken as error:
        raise BadIdentity("client" if claims is None else "claims", f"No such caller gets in. {error}") from error


def _proven(token: str) -> Principal:
    """Verify a token as with a call, and keep nothing of it."""
    try:
        principal: Principal = async_to_sync(verifier().prove)(token)
    except AuthenticationError as error:
        raise BadIdentity("token", str(error)) from error
    return principal


def simulated(claims: Mapping[str, Any], token_scopes: Collection[str] = ()) -> Principal:
    """Make the principal of a token that had these claims, and carried these token scopes besides.

    Raises:
        InvalidToken: no token with these claims would be accepted from anybody.
    """
    refuse_unstorable(claims)
    named = claims.get("iss")
    issuer = next((one for one in conf().trusted_issuers if one.issuer == named), None)
    if issuer is None:
        raise UnknownIssuer(str(named))
    principal = principal_of(claims, issuer, 0)
    return replace(principal, token_scopes=principal.token_scopes | frozenset(token_scopes))


def client_in(policy: Policy, principal: Principal) -> Client:
    """Find the client under a policy. One that was not seen yet is as its first call would make it."""
    known = policy.clients.get((principal.issuer, principal.subject))
    if known is not None:
        return known
    status = {issuer.issuer: issuer.new_clients for issuer in conf().trusted_issuers}.get(principal.issuer, "pending")
    return Client(0, principal.issuer, principal.subject, status, principal.display_name)
