"""The public keys of the trusted issuers, kept at hand. Knows nothing of tokens, beyond key ids and algorithms."""

import asyncio
import json
import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from socket import SHUT_RDWR, socket
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError

from authz_app.issuers import TrustedIssuer, is_loopback, is_secure_url
from authz_app.tokens.errors import IssuerUnavailable, UnknownKey, shown

logger = logging.getLogger(__name__)

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
Fetch = Callable[[str, float], Any]
Load = Callable[[], Any]
Wanted = tuple[str | None, str]  # key id and algorithm, as a token's header names them

FETCH_SECONDS = 3.0
MAX_DOCUMENT_BYTES = 65_536
REFRESH_SECONDS = 300.0
COOL_DOWN_SECONDS = 10.0
# A client that goes on sending a token of a withdrawn key must not cause a fetch after every cool-down.
UNKNOWN_SECONDS = 30.0
MAX_UNKNOWN = 256
MIN_RSA_BITS = 2048  # RFC 7518 section 3.3

_FAMILIES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"} | {
    f"{kind}{bits}": "RSA" for kind in ("RS", "PS") for bits in (256, 384, 512)
}
# Any algorithm of a family reads that family's keys.
_READERS = {family: algorithm for algorithm, family in _FAMILIES.items()}


class FetchError(Exception):
    """An issuer's keys could not be had. ``str()`` says why, safe to log, continuing a sentence about the issuer."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key of an issuer. ``family`` is RSA, or the name of the curve."""

    key_id: str | None
    family: str
    algorithm: str | None
    public_key: PublicKey

    def fits(self, algorithm: str) -> bool:
        """Whether signatures by ``algorithm`` can be this key's: key and algorithm belong together (RFC 8725 3.1)."""
        return _FAMILIES.get(algorithm) == self.family and self.algorithm in (None, algorithm)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of one issuer at one moment."""

    keys: tuple[VerificationKey, ...]

    def find(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        """The only key that can be meant, or None: a token without key id, too, must leave no choice."""
        fitting = [key for key in self.keys if key.fits(algorithm) and key_id in (None, key.key_id)]
        return fitting[0] if len(fitting) == 1 else None


def parse_key_set(document: Any) -> KeySet:
    """Read a JWK Set. Keys that are not for verifying signatures are left out (RFC 7517 section 5).

    Raises:
        FetchError: the document is no JWK Set.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise FetchError("answered with something that is no JWK Set")
    return KeySet(tuple(key for jwk in keys if isinstance(jwk, dict) and (key := _parse_key(jwk)) is not None))


def _parse_key(jwk: dict[str, Any]) -> VerificationKey | None:
    family = jwk.get("kty") if jwk.get("kty") == "RSA" else jwk.get("crv")
    if not isinstance(family, str) or family not in _READERS or not _verifies(jwk):
        return None
    try:
        public_key = jwt.PyJWK(jwk, _READERS[family]).key
    except jwt.PyJWTError:
        return None
    if isinstance(public_key, RSAPublicKey) and public_key.key_size < MIN_RSA_BITS:
        return None
    return VerificationKey(jwk.get("kid"), family, jwk.get("alg"), public_key)


def _verifies(jwk: dict[str, Any]) -> bool:
    """Whether a key is meant to verify signatures. One that is published with its private half proves nothing."""
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in jwk
        and all(jwk.get(name) is None or isinstance(jwk[name], str) for name in ("kid", "alg"))
    )


class _CuttableAdapter(HTTPAdapter):
    """Remembers its connections, so that they can be shut at a deadline.

    The timeouts of requests are per read: an issuer that drips its headers or body would hold a thread for hours.
    """

    def __init__(self) -> None:
        super().__init__()
        self._connections: list[HTTPConnection] = []

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        connection_class = pool.ConnectionCls

        def connection(*args: Any, **kwargs: Any) -> HTTPConnection:
            self._connections.append(connection_class(*args, **kwargs))
            return self._connections[-1]

        pool.ConnectionCls = connection
        return pool

    def cut(self) -> None:
        for connection in self._connections:
            if connection.sock is not None:
                with suppress(OSError):
                    # Not SSLSocket.shutdown: it would take the TLS state from under the thread that is reading.
                    socket.shutdown(connection.sock, SHUT_RDWR)


def fetch_json(url: str, seconds: float) -> Any:
    """GET a small JSON document, giving up after ``seconds``. Blocks: for a thread of its own.

    Raises:
        FetchError: no such document within the limits on time and size, or a redirect in its stead.
    """
    adapter = _CuttableAdapter()
    deadline = threading.Timer(seconds, adapter.cut)
    deadline.daemon = True
    deadline.start()
    try:
        return json.loads(_get(url, seconds, adapter))
    except (requests.RequestException, HTTPError, OSError) as error:
        raise FetchError(f"could not be reached at {shown(url)} ({type(error).__name__})") from error
    except (ValueError, RecursionError) as error:
        raise FetchError(f"answered with something that is no JSON at {shown(url)}") from error
    finally:
        deadline.cancel()


def _get(url: str, seconds: float, adapter: HTTPAdapter) -> bytes:
    with requests.Session() as session:
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        # What is plain HTTP because it stays on this machine must not go through a proxy.
        session.trust_env = not is_loopback(urlsplit(url).hostname)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        with session.get(url, timeout=seconds, allow_redirects=False, stream=True, headers=headers) as response:
            if response.status_code != requests.codes.ok:
                raise FetchError(f"answered {response.status_code} at {shown(url)}")
            return _read(response, url)


def _read(response: requests.Response, url: str) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(8_192):
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise FetchError(f"answered with more than {MAX_DOCUMENT_BYTES} bytes at {shown(url)}")
    return bytes(body)


def remote_keys(issuer: TrustedIssuer, seconds: float = FETCH_SECONDS, fetch: Fetch = fetch_json) -> Any:
    """Fetch an issuer's JWK Set, from where it is configured or discovered, within ``seconds`` in all.

    Raises:
        FetchError: it could not be had.
    """
    deadline = time.monotonic() + seconds
    url = issuer.jwks_uri or _discovered(issuer, fetch(_discovery_url(issuer), seconds))
    return fetch(url, max(0.001, deadline - time.monotonic()))


def _discovery_url(issuer: TrustedIssuer) -> str:
    return f"{issuer.issuer.removesuffix('/')}/.well-known/openid-configuration"


def _discovered(issuer: TrustedIssuer, document: Any) -> str:
    """The ``jwks_uri`` of a discovery document, once it is sure whose it is (OpenID Connect Discovery section 4.3)."""
    if not isinstance(document, dict) or document.get("issuer") != issuer.issuer:
        raise FetchError("published a discovery document of another issuer")
    url = document.get("jwks_uri")
    if not isinstance(url, str) or not is_secure_url(url):
        raise FetchError("published a discovery document without a secure jwks_uri")
    return url


@dataclass(frozen=True, slots=True)
class _Flight:
    """One load under way, and which keys are asked of it. ``landed`` gets its result, None, however the load ended."""

    started: float
    landed: "Future[None]" = field(default_factory=Future)
    wanted: set[Wanted] = field(default_factory=set)


class IssuerKeys:
    """The keys of one issuer: at hand, loaded by one thread at a time, and never waited for when they are at hand.

    ``clock`` is monotonic, in seconds. ``changed`` is called after the keys were replaced by different ones.
    """

    def __init__(
        self,
        issuer: str,
        load: Load,
        changed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        limit: float = FETCH_SECONDS,
    ) -> None:
        self._issuer = issuer
        self._load = load
        self._changed = changed
        self._clock = clock
        self._limit = limit
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._failing = False
        self._flight: _Flight | None = None
        self._quiet_until = -math.inf
        self._unknown: OrderedDict[Wanted, float] = OrderedDict()

    async def find(self, key_id: str | None, algorithm: str) -> VerificationKey:
        """The key that a token names.

        Raises:
            UnknownKey: the issuer has no such key.
            IssuerUnavailable: whether it has, cannot be told now.
        """
        key = self._at_hand(key_id, algorithm)
        if key is None and self._may_load(key_id, algorithm):
            await self._landing(self.refresh({(key_id, algorithm)}))
            key = self._at_hand(key_id, algorithm)
        if key is None:
            raise self._absence(key_id, algorithm)
        return key

    def refresh(self, wanted: Iterable[Wanted] = ()) -> _Flight:
        """Load the keys in a thread of its own, or join the load that is under way."""
        with self._lock:
            if self._flight is None:
                self._flight = _Flight(self._clock())
                threading.Thread(target=self._fly, args=(self._flight,), name="jwks", daemon=True).start()
            self._flight.wanted.update(wanted)
            return self._flight

    def _at_hand(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        return None if self._keys is None else self._keys.find(key_id, algorithm)

    def _may_load(self, key_id: str | None, algorithm: str) -> bool:
        now = self._clock()
        return now >= self._quiet_until and now >= self._unknown.get((key_id, algorithm), -math.inf)

    async def _landing(self, flight: _Flight) -> None:
        try:
            async with asyncio.timeout(flight.started + self._limit - self._clock()):
                # Shielded: a caller that goes away must not take the load from those who wait beside it.
                await asyncio.shield(asyncio.wrap_future(flight.landed))
        except TimeoutError:
            raise self._unavailable() from None

    def _fly(self, flight: _Flight) -> None:
        try:
            self._replace(parse_key_set(self._load()))
        except FetchError as error:
            self._fail(str(error))
        except Exception:  # noqa: BLE001  (the edge of a thread: whatever it was, those who wait must hear of it)
            logger.exception("Loading the keys of an issuer crashed.")
            self._fail("could not be asked")
        finally:
            with self._lock:
                # In one step: who does not join this load any more finds the cool-down that it left.
                self._flight = None
                self._remember_misses(flight.wanted)
            flight.landed.set_result(None)

    def _replace(self, keys: KeySet) -> None:
        if self._failing:
            logger.info("The keys of the issuer %s can be read again.", self._issuer)
        self._failing = False
        if keys == self._keys:
            return
        self._keys = keys
        # After the replacement, so that nothing verified with an old key is kept under the new generation.
        self._changed()

    def _fail(self, reason: str) -> None:
        logger.warning("The issuer %s %s. The keys it published last stay in use.", self._issuer, reason)
        self._quiet_until = self._clock() + COOL_DOWN_SECONDS
        self._failing = True

    def _remember_misses(self, wanted: Iterable[Wanted]) -> None:
        """No load for a while, whatever is asked for, and for a key that was not there, none for longer."""
        missed = [] if self._failing else [each for each in wanted if self._at_hand(*each) is None]
        if missed:
            now = self._clock()
            self._quiet_until = now + COOL_DOWN_SECONDS
            self._unknown.update(dict.fromkeys(missed, now + UNKNOWN_SECONDS))
        while len(self._unknown) > MAX_UNKNOWN:
            self._unknown.popitem(last=False)

    def _absence(self, key_id: str | None, algorithm: str) -> UnknownKey | IssuerUnavailable:
        """Why there is no key. An issuer that could not be asked may have it: the token is not to blame."""
        if self._keys is None or self._failing:
            return self._unavailable()
        return UnknownKey(self._issuer, key_id, algorithm)

    def _unavailable(self) -> IssuerUnavailable:
        return IssuerUnavailable(self._issuer, math.ceil(max(1, self._quiet_until - self._clock())))


class IssuerKeySets:
    """The keys of all trusted issuers, each in its own set, read anew every ``refresh_seconds``.

    ``generation`` moves whenever any set has changed. ``embedded_jwks`` gives the JWK Set of the embedded issuer.
    """

    def __init__(
        self,
        issuers: Iterable[TrustedIssuer],
        embedded_jwks: Load,
        clock: Callable[[], float] = time.monotonic,
        fetch_seconds: float = FETCH_SECONDS,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        self.generation = 0
        self._refresh_seconds = refresh_seconds
        self._closed = threading.Event()
        self._refresher: threading.Thread | None = None
        self._lock = threading.Lock()

        def keys_of(issuer: TrustedIssuer) -> IssuerKeys:
            load = embedded_jwks if issuer.embedded else lambda: remote_keys(issuer, fetch_seconds)
            return IssuerKeys(issuer.issuer, load, self._move_generation, clock, fetch_seconds)

        self._sets: Mapping[str, IssuerKeys] = {issuer.issuer: keys_of(issuer) for issuer in issuers}

    async def find(self, issuer: TrustedIssuer, key_id: str | None, algorithm: str) -> VerificationKey:
        """The key that a token of ``issuer`` names, looked for among that issuer's keys only.

        Raises:
            UnknownKey: the issuer has no such key.
            IssuerUnavailable: whether it has, cannot be told now.
        """
        if self._refresher is None:
            self._start_refresher()
        return await self._sets[issuer.issuer].find(key_id, algorithm)

    def refresh(self) -> None:
        """Begin to read all keys anew, without waiting for them."""
        for keys in self._sets.values():
            keys.refresh()

    def close(self) -> None:
        """End the periodic refresh."""
        self._closed.set()

    def _start_refresher(self) -> None:
        # A timer, not the age of the set at the next token: after a quiet night a withdrawn key is already gone, and
        # no token had to wait for that.
        with self._lock:
            if self._refresher is None:
                self._refresher = threading.Thread(target=self._refresh_periodically, name="jwks-refresh", daemon=True)
                self._refresher.start()

    def _refresh_periodically(self) -> None:
        while not self._closed.wait(self._refresh_seconds):
            self.refresh()

    def _move_generation(self) -> None:
        with self._lock:
            self.generation += 1
