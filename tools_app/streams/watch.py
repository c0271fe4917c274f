"""Keeps watch over the streams of this worker: none goes on with a gap, or with a request that nobody will answer."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from authz_app import json_text
from authz_app.policy.decision import Client
from authz_app.policy_store.store import PolicyStore
from tools_app.cluster.workers import Workers
from tools_app.conf import conf
from tools_app.invocation.listing import seen_by
from tools_app.sessions.session import EXPIRED, WITHOUT_TOKEN, Lease, SessionsUnavailable
from tools_app.streams.listeners import keep_listening
from tools_app.streams.open_streams import Listener, OpenStream, OpenStreams, SessionStream, Subscription
from tools_app.streams.policy_watch import PolicyWatch
from tools_app.wire import jsonrpc

logger = logging.getLogger(__name__)
_WATCH_EVERY = 1.0
_LOOK = 1.0
_POLL = 0.2
# A message may be on its way for this long before it counts as lost.
_GAP_GRACE = 3.0
_OUTAGE_GRACE = 5.0
_SILENT = f"is silent until its owner presents a valid token: {EXPIRED}"
_SPEAKS = "speaks again"
_DIED = (
    "The worker that was answering this request died, so its outcome is unknown. If it was a call, see its record "
    "before you repeat it."
)


class StreamWatch:
    """Renews the leases of open streams, and looks at the policy, for as long as there are any.

    ``is_answering`` says whether this worker answers a request of a session; ``end`` ends a session everywhere.
    """

    def __init__(
        self,
        streams: OpenStreams,
        policy: PolicyStore,
        workers: Workers,
        is_answering: Callable[[str], bool],
        end: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._streams = streams
        self._policy = policy
        self._workers = workers
        self._is_answering = is_answering
        self._heartbeat, self._grace = conf().heartbeat, conf().session_grace
        self._policy_watch = PolicyWatch(policy, workers.sessions, streams, end)
        self._watching: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._watch_until = 0.0
        self._reached_at = time.monotonic()

    def add(self, opened: OpenStream) -> None:
        opened.renew_at = time.monotonic() + self._heartbeat
        self._streams.add(opened)
        self._start()

    async def add_current(self, opened: OpenStream) -> Client:
        """Put a stream under watch with its owner's lists as they are then; returns the owner's client.

        A listener whose session does not exist any more is ended instead.

        Raises:
            PolicyUnavailable, SessionsUnavailable: it cannot be told what the owner can see.
        """
        is_new = True
        while True:
            policy = await self._policy.refreshed()
            client = await self._policy.client_of(opened.caller.principal)
            opened.seen = seen_by(client, opened.caller, policy)
            if isinstance(opened, Listener):
                opened.is_behind |= not is_new
                if await keep_listening(opened, self._workers.sessions, is_new=is_new) is None:
                    opened.stream.end("its session has ended")
                    return client
            if await self._policy.policy() is policy:
                self.add(opened)
                return client
            is_new = False

    def watch_for(self, seconds: float) -> None:
        """Watch the policy for at least so long: a session that lasts by use is known on this worker."""
        self._watch_until = time.monotonic() + seconds
        self._start()

    def _start(self) -> None:
        if self._watching is None or self._watching.done():
            self._reached_at = time.monotonic()
            self._watching = asyncio.ensure_future(self._watch())

    def stop(self) -> None:
        for task in (self._watching, self._looking):
            if task is not None:
                task.cancel()

    async def answered_elsewhere(self, limit: float) -> None:
        """Wait, for at most ``limit`` seconds, until what other workers are answering now has reached the streams."""
        until = time.monotonic() + limit
        with suppress(SessionsUnavailable):
            awaited, is_behind = await self._elsewhere()
            while (awaited or is_behind) and time.monotonic() < until:
                await asyncio.sleep(_POLL)
                left, is_behind = await self._elsewhere()
                awaited &= left

    async def _elsewhere(self) -> tuple[set[tuple[str, bytes]], bool]:
        """The requests, by session, that living workers are answering; and whether answers are on their way."""
        own = {opened.key: opened for opened in self._streams.all() if isinstance(opened, SessionStream)}
        leases = await self._workers.sessions.renew(list(own))
        channels = {channel for lease in leases.values() for channel in lease.elsewhere.values()}
        alive = await self._workers.alive(channels) if channels else set()
        requests = {
            (key, request)
            for key, lease in leases.items()
            for request, channel in lease.elsewhere.items()
            if channel in alive
        }
        return requests, any(own[key].received < lease.sent for key, lease in leases.items())

    async def all_closed(self, limit: float) -> None:
        """Wait until the streams that were ended are closed, for at most ``limit`` seconds."""
        until = time.monotonic() + limit
        while self._streams.all() and time.monotonic() < until:
            await asyncio.sleep(0.01)

    async def _watch(self) -> None:
        """Renew what is due, and notice changes of the policy, however they were made."""
        while self._streams.all() or time.monotonic() < self._watch_until:
            await asyncio.sleep(_WATCH_EVERY)
            # In a task of its own: streams are kept alive while the database lets it wait.
            if self._looking is None or self._looking.done():
                self._looking = asyncio.ensure_future(self._policy_watch.look())
            await asyncio.wait([self._looking], timeout=_LOOK)
            await self._renew_due()
            self._policy_watch.end_blocked()

    async def _renew_due(self) -> None:
        clock = time.monotonic()
        due = [opened for opened in self._streams.all() if opened.renew_at <= clock or self._is_due(opened)]
        own = [opened for opened in due if isinstance(opened, SessionStream)]
        try:
            leases = await self._workers.sessions.renew([opened.key for opened in own])
            channels = {self._workers.channel}.union(*(lease.elsewhere.values() for lease in leases.values()))
            alive = await self._workers.alive(channels)
            if self._workers.channel not in alive:
                raise SessionsUnavailable("Nothing that other workers send arrives here.")
            self._reached_at = clock
            for session_stream in own:
                await self._renewed(session_stream, leases.get(session_stream.key), alive)
            for opened in due:
                if isinstance(opened, Listener):
                    await self._listened(opened)
                elif isinstance(opened, Subscription):
                    self._go_on(opened)
        except SessionsUnavailable as error:
            self._out_of_reach(error)

    def _out_of_reach(self, error: Exception) -> None:
        if time.monotonic() - self._reached_at > _OUTAGE_GRACE:
            self._streams.end_all("the other workers cannot be reached")
        else:
            logger.warning("The other workers cannot be reached: %s", error)

    async def _listened(self, listener: Listener) -> None:
        listening = await keep_listening(listener, self._workers.sessions)
        if listening is None:
            listener.stream.end("its session has ended")
        else:
            self._go_on(listener)

    async def _renewed(self, opened: SessionStream, lease: Lease | None, alive: set[str]) -> None:
        clock = time.monotonic()
        if lease is None:
            opened.stream.end("its record is gone")
            return
        opened.extend(lease.expires_at, lease.presented)
        self._go_on(opened)
        if opened.is_silent and opened.expires_at + self._grace <= time.time():
            self._end_unless_answering(opened, lease)
        if opened.received >= lease.sent:
            opened.behind_since = None
        elif opened.behind_since is None:
            opened.behind_since = clock
        elif clock - opened.behind_since > _GAP_GRACE:
            opened.stream.end("messages of other workers were lost")
        dead = [request for request, channel in lease.elsewhere.items() if channel not in alive]
        await self._give_up(opened, dead)

    def _go_on(self, opened: OpenStream) -> None:
        """Let a stream go on until the next heartbeat; where the latest token has expired, silently or not at all."""
        opened.renew_at = time.monotonic() + self._heartbeat
        if isinstance(opened, SessionStream):
            if opened.is_silent != opened.has_expired:
                opened.is_silent = opened.has_expired
                logger.info("MCP session %s %s", opened.key, _SILENT if opened.is_silent else _SPEAKS)
        elif opened.has_expired:
            opened.stream.end(EXPIRED)

    def _end_unless_answering(self, opened: SessionStream, lease: Lease) -> None:
        """End a session that was without a valid token for too long, once its clients wait for nothing."""
        if not lease.elsewhere and not self._is_answering(opened.key):
            opened.stream.end(WITHOUT_TOKEN)

    def _is_due(self, opened: OpenStream) -> bool:
        """Whether the store is to be asked before the next heartbeat."""
        if isinstance(opened, SessionStream):
            until = opened.expires_at + self._grace if opened.is_silent else opened.expires_at
            return until <= time.time() or opened.behind_since is not None
        return opened.has_expired or (isinstance(opened, Listener) and opened.is_behind)

    async def _give_up(self, opened: SessionStream, requests: Sequence[bytes]) -> None:
        """Answer the requests that other workers were answering when they died."""
        for request in requests:
            if await self._workers.claim(opened.key, request):
                opened.given_up.add(request)
                opened.stream.post(jsonrpc.error_of(json_text.loads(request), jsonrpc.INTERNAL_ERROR, _DIED))
