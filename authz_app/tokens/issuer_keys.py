"""Keep the public keys of the trusted issuers. Knows nothing of tokens, beyond key ids and algorithms."""

import asyncio
import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from authz_app.issuers import TrustedIssuer
from authz_app.tokens.errors import IssuerUnavailable, UnknownKey
from authz_app.tokens.jwks import FETCH_SECONDS, remote_keys
from authz_app.tokens.key_set import IssuerMisfit, KeySet, KeySetError, VerificationKey, parse_key_set

logger = logging.getLogger(__name__)

Load = Callable[[], Any]
Keys = tuple[VerificationKey, ...]
KeyReference = tuple[str | None, str]  # key id and algorithm, as a token's header names them

REFRESH_SECONDS = 300.0
COOL_DOWN_SECONDS = 10.0
# A client that goes on sending a token of a withdrawn key must not cause a fetch after every cool-down.
UNKNOWN_SECONDS = 30.0
MAX_UNKNOWN = 256


@dataclass(frozen=True, slots=True)
class _Flight:
    """One load under way, and the keys that are wanted of it. ``landed`` becomes None, however the load ends."""

    started: float
    landed: "Future[None]" = field(default_factory=Future)
    wanted: set[KeyReference] = field(default_factory=set)


class IssuerKeys:
    """Holds the keys of one issuer. One thread at a time loads them; who needs a key that is held never waits.

    ``clock`` is monotonic, in seconds. ``changed`` is called after the keys were replaced by different ones.
    """

    def __init__(
        self,
        issuer: TrustedIssuer,
        load: Load,
        changed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        limit: float = FETCH_SECONDS,
    ) -> None:
        self._issuer = issuer.issuer
        self._algorithms = issuer.algorithms
        self._load = load
        self._changed = changed
        self._clock = clock
        self._limit = limit
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._failing = ""
        self._flight: _Flight | None = None
        self._quiet_until = -math.inf
        self._unknown: OrderedDict[KeyReference, float] = OrderedDict()

    @property
    def failing(self) -> str:
        """Why the keys could not be read when they were read last, in sentences; empty if they could."""
        return self._failing

    async def find(self, key_id: str | None, algorithm: str) -> Keys:
        """The keys that a token may mean: one or more, a bounded number.

        Raises:
            UnknownKey: the issuer has no such key.
            IssuerUnavailable: whether it has, cannot be told now.
        """
        keys = self._at_hand(key_id, algorithm)
        if not keys and self._may_load(key_id, algorithm):
            await self._landing(self.refresh({(key_id, algorithm)}))
            keys = self._at_hand(key_id, algorithm)
        if not keys:
            raise self._absence(key_id, algorithm)
        return keys

    async def find_newer(self, key_id: str | None, algorithm: str, tried: Keys) -> Keys:
        """The keys that a token may mean once those that were ``tried`` are replaced; none if they are the same."""
        if self._at_hand(key_id, algorithm) == tried and self._may_load(key_id, algorithm):
            with suppress(IssuerUnavailable):
                await self._landing(self.refresh({(key_id, algorithm)}))
        keys = self._at_hand(key_id, algorithm)
        return () if keys == tried else keys

    def refresh(self, wanted: Iterable[KeyReference] = ()) -> _Flight:
        """Load the keys in a thread of its own, or join the load that is under way."""
        with self._lock:
            if self._flight is None:
                self._flight = _Flight(self._clock())
                threading.Thread(target=self._fly, args=(self._flight,), name="jwks", daemon=True).start()
            self._flight.wanted.update(wanted)
            return self._flight

    def _at_hand(self, key_id: str | None, algorithm: str) -> Keys:
        return () if self._keys is None else self._keys.fitting(key_id, algorithm)

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
        before = self._keys
        try:
            self._replace(parse_key_set(self._load(), self._algorithms))
        except IssuerMisfit as error:
            self._fail(str(error), logging.ERROR)
        except KeySetError as error:
            self._fail(str(error))
        except Exception:  # noqa: BLE001  (the edge of a thread: whatever it was, those who wait must hear of it)
            logger.exception("Loading the keys of an issuer crashed.")
            self._fail("could not be asked")
        finally:
            with self._lock:
                # In one step: who does not join this load any more finds the cool-down that it left.
                self._flight = None
                self._remember_misses(flight.wanted, changed=self._keys is not before)
            flight.landed.set_result(None)

    def _replace(self, keys: KeySet) -> None:
        if self._failing:
            logger.info("The keys of the issuer %s can be read again.", self._issuer)
        self._failing = ""
        if keys == self._keys:
            return
        self._keys = keys
        # After the replacement, so that nothing verified with an old key is kept under the new generation.
        self._changed()

    def _fail(self, reason: str, level: int = logging.WARNING) -> None:
        meanwhile = "Until then its tokens get 503." if self._keys is None else "Its last good keys stay in use."
        self._failing = f"The issuer {self._issuer} {reason}. {meanwhile}"
        self._quiet_until = self._clock() + COOL_DOWN_SECONDS
        logger.log(level, "%s", self._failing)

    def _remember_misses(self, wanted: Iterable[KeyReference], changed: bool) -> None:
        """Load nothing for a while, and for a key that was not there, nothing for longer."""
        missed = [] if self._failing else [each for each in wanted if not (changed and self._at_hand(*each))]
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
    """Holds the keys of all trusted issuers, each in its own set, read anew every ``refresh_seconds``.

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
            return IssuerKeys(issuer, load, self._move_generation, clock, fetch_seconds)

        self._issuers = tuple(issuers)
        self._sets: Mapping[str, IssuerKeys] = {issuer.issuer: keys_of(issuer) for issuer in self._issuers}

    async def find(self, issuer: TrustedIssuer, key_id: str | None, algorithm: str) -> Keys:
        """The keys that a token of ``issuer`` may mean, looked for as ``IssuerKeys.find`` does, among its own only."""
        self._start_refresher()
        return await self._sets[issuer.issuer].find(key_id, algorithm)

    async def find_newer(self, issuer: TrustedIssuer, key_id: str | None, algorithm: str, tried: Keys) -> Keys:
        """The keys that replaced those that were ``tried``, as ``IssuerKeys.find_newer`` finds them."""
        return await self._sets[issuer.issuer].find_newer(key_id, algorithm, tried)

    def start(self) -> None:
        """Read the keys that are published elsewhere, without waiting, so that what is wrong is said at the start."""
        self._start_refresher()
        for issuer in self._issuers:
            if not issuer.embedded:
                self._sets[issuer.issuer].refresh()

    def failing(self) -> list[str]:
        """What is wrong with issuers whose keys could not be read, in sentences."""
        return [keys.failing for keys in self._sets.values() if keys.failing]

    def refresh(self) -> None:
        """Begin to read all keys anew, without waiting for them."""
        for keys in self._sets.values():
            keys.refresh()

    def close(self) -> None:
        self._closed.set()

    def _start_refresher(self) -> None:
        if self._refresher is not None:
            return
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
