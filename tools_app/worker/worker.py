"""One process's share of the site: what it holds in memory, its background tasks, and how it ends."""

import asyncio
import json
import logging
import os
import secrets
import socket
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.core.signals import setting_changed

from authz_app.audit.entries import Undelivered
from authz_app.audit.refused_requests import RefusedRequests
from authz_app.audit.writer import AuditWriter
from authz_app.conf import conf as authz_conf
from authz_app.evidence.sealer import Sealer
from authz_app.export.line_output import output_for
from authz_app.export.line_writer import LineWriter
from authz_app.policy.decision import Client
from authz_app.policy_store.store import PolicyStore
from tools_app.client_requests.replies import Replies
from tools_app.cluster.outbox import Delivery
from tools_app.cluster.presence import Presence
from tools_app.cluster.workers import Message, RedisWorkers, SingleWorker, Workers
from tools_app.conf import conf
from tools_app.invocation.dependencies import Dependencies
from tools_app.invocation.threads import ToolThreads
from tools_app.sessions.redis import LEASE
from tools_app.sessions.session import McpSessionState, SessionsUnavailable
from tools_app.streams import resource_updates
from tools_app.streams.event_stream import message_event
from tools_app.streams.resource_updates import ResourceUpdates
from tools_app.streams.watch import StreamWatch
from tools_app.wire.jsonrpc import RequestId, Response
from tools_app.worker.in_flight import InFlight
from tools_app.worker.session_events import SessionEvents
from tools_app.worker.session_sweep import SessionSweep

logger = logging.getLogger(__name__)
_LARGEST_RESULT = 8_000_000
# Others may open sessions for the same client meanwhile.
_TRIES = 8


class Worker:
    """Everything that lives as long as the process does, on one event loop."""

    def __init__(self) -> None:
        site, limits = authz_conf(), conf()
        self.name = f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(3)}"
        self.workers: Workers = (
            RedisWorkers(self.name, self._receive, self._lost, limits.max_calls_in_flight, limits.max_session_idle)
            if settings.REDIS_URL
            else SingleWorker(self._receive, self._lost, limits.max_session_idle, self._over)
        )
        self.sessions = self.workers.sessions
        self.dependencies = Dependencies(
            policy=PolicyStore(site.trusted_issuers, timeout=site.audit_timeout),
            audit=AuditWriter(site.audit_timeout, worker=self.name),
            threads=ToolThreads(limits.tool_threads),
            time_limit=limits.tool_time_limit,
            max_result_bytes=min(limits.max_queued_bytes // 2, _LARGEST_RESULT),
            contact=site.contact,
            worker=self.name,
            sessions=self.sessions,
        )
        self._events = SessionEvents(self.dependencies.audit, self.name, shared=bool(settings.REDIS_URL))
        self.refused = RefusedRequests(self.dependencies.audit.close, self.name)
        self.replies = Replies(lambda: self.workers.channel)
        self.open = StreamWatch(self.dependencies, self.workers, limits.heartbeat, self.end)
        self.updates = ResourceUpdates(self.dependencies, self.workers, self.open.streams)
        self.in_flight = InFlight()
        self.presence = Presence(self.name, alone=not settings.REDIS_URL)
        self.sealer = Sealer(site.audit_seal_seconds)
        self.lines = LineWriter(output_for(site.audit_lines), self.name, full=site.audit_lines_full)
        self._sweep = SessionSweep(
            self.sessions,
            self.name,
            shared=bool(settings.REDIS_URL),
            idle=limits.max_session_idle,
            drain=settings.DRAIN_SECONDS,
            close=self._events.closed,
        )
        self.draining = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._kept: set[asyncio.Task[Any]] = set()
        self._last_numbers: dict[str, int] = {}

    def start(self) -> None:
        """Be seen by other workers, and within reach of this process's threads, from now on. May be repeated."""
        loop = asyncio.get_running_loop()
        if self.loop is loop:
            return
        if self.loop is None:
            self.keep(self._sweep.run())
        self.loop = loop
        self.presence.start()
        self.sealer.start()
        self.lines.start()

    def send(
        self,
        session: McpSessionState,
        message: Mapping[str, Any],
        *,
        answers: RequestId | None = None,
        record_id: UUID | None = None,
        learnt: bool = False,
    ) -> None:
        """Send a message to a session's client, whichever worker holds its stream.

        ``answers`` is the id of the request that this answers, ``record_id`` the record of the call whose result it
        is, and ``learnt`` says that the session's state is new.
        """
        delivery = Delivery(session.key, message_event(message), record_id=record_id)
        opened = self.open.get(session.key)
        if opened is None:
            state = session.stored() if learnt else b""
            self.workers.post(session, replace(delivery, answers=_json_of(answers), state=state))
        elif not opened.stream.queue(delivery.chunk):
            self._undelivered(delivery)

    def give_up(self, session: McpSessionState, request_id: RequestId) -> None:
        """Note that a request will not be answered: it was cancelled."""
        if self.open.get(session.key) is None:
            self.workers.post(session, Delivery(session.key, answers=_json_of(request_id)))

    async def reply(self, session: McpSessionState, response: Response) -> None:
        """Hand a client's reply to whichever worker asked."""
        address = Replies.address_of(response)
        if address == self.workers.channel:
            self.replies.deliver(session.key, response)
        else:
            said = {"id": response.id, "result": response.result, "error": response.error}
            await self.workers.tell(address, {"type": "reply", "session": session.key, "response": json.dumps(said)})

    async def cancel(self, session: McpSessionState, request_id: RequestId) -> None:
        """Cancel a request, whichever worker is answering it."""
        if not self.in_flight.cancel(session.key, request_id):
            await self.workers.tell_all({"type": "cancel", "session": session.key, "request": _json_of(request_id)})

    async def admit(self, session: McpSessionState, client: Client) -> bool:
        """Store a new session. Where its client has too many, one that is not in use gives way; False: there is none.

        Raises:
            SessionsUnavailable: it cannot be stored.
        """
        limit = conf().max_sessions_per_client
        for _ in range(_TRIES):
            if await self.sessions.open(session, limit):
                self._events.opened(session, client)
                return True
            longest_idle = await self.sessions.longest_idle(session.owner)
            if longest_idle is None:
                break
            await self.end(longest_idle, "its client has opened others since it was last used")
        return False

    async def end(self, key: str, why: str, actor: str = "") -> None:
        """End a session everywhere: forget it, close its stream, cancel its requests. ``actor``: who wants that.

        Raises:
            SessionsUnavailable: the other workers cannot be told.
        """
        if session := await self.sessions.delete(key):
            self._events.closed(key, session, why, actor)
        await self.workers.tell_all({"type": "ended", "session": key, "why": why})

    async def closed(self, key: str, why: str) -> None:
        """A stream of this worker has closed: its session ends."""
        self.in_flight.cancel_session(key)
        try:
            await self.end(key, why)
        except SessionsUnavailable:
            self.spawn(self._forget(key, why))
        finally:
            self.open.remove(key)

    def _over(self, session: McpSessionState, why: str) -> None:
        """A session has ended by itself."""
        self._events.closed(session.key, session, why)

    def _receive(self, message: Message) -> None:
        """Take what another worker sent."""
        key = message.get("session", "")
        match message["type"]:
            case "deliveries":
                self._unpack(message)
            case "reply":
                self.replies.deliver(key, Response(**json.loads(message["response"])))
            case "cancel":
                self.in_flight.cancel(key, orjson.loads(message["request"]))
            case "ended":
                self.in_flight.cancel_session(key)
                self.open.end(key, message["why"])
            case resource_updates.MESSAGE:
                self.spawn(self.updates.tell(message["uris"]))

    def _unpack(self, message: Message) -> None:
        last = self._last_numbers.get(message["from"], 0)
        for number, key, chunk, answers, state in message["items"]:
            opened = self.open.get(key)
            if opened is None:
                continue
            opened.received += 1
            if number <= last or answers in opened.given_up:
                continue  # Sent again because Redis did not answer; or answered for it, since it was taken for dead.
            if state:
                self.workers.learn(McpSessionState.read(key, state))
            if chunk:
                opened.stream.queue(chunk)
        self._last_numbers[message["from"]] = max(last, *(item[0] for item in message["items"]), 0)

    def _lost(self, delivery: Delivery) -> None:
        """A delivery did not arrive: its record says so, and the session ends, since its client misses something."""
        self._undelivered(delivery)
        if delivery.travels:
            self.spawn(self._forget(delivery.session_key, "messages to its client were lost"))

    def _undelivered(self, delivery: Delivery) -> None:
        if delivery.record_id is not None:
            self.dependencies.audit.close(Undelivered(delivery.record_id))

    async def _forget(self, key: str, why: str) -> None:
        """Delete a session's record, which closes its stream; try until it would have expired by itself."""
        until, tried = time.monotonic() + LEASE, False
        while time.monotonic() < until and not self.draining:
            with suppress(SessionsUnavailable):
                session = await self.sessions.delete(key)
                if session or tried:  # It may have been deleted, though the answer did not arrive.
                    self._events.closed(key, session, why)
                return
            tried = True
            await asyncio.sleep(1)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run work in a task of its own, which outlives the request that asked for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def keep(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run work that has no end of its own, until the worker has drained."""
        task = asyncio.get_running_loop().create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def drain(self, limit: float) -> None:
        """Let running calls end, for at most ``limit`` seconds; commit what is to be committed; close the streams."""
        self.draining = True
        until = time.monotonic() + limit
        self.presence.leave()
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=limit)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)
        await self.open.answered_elsewhere(until - time.monotonic())
        self.open.end_all("the server is shutting down")
        await self.open.all_closed(1.0)
        self.updates.stop()
        await self.workers.leave()
        for task in self._kept:
            task.cancel()
        self.refused.flush()
        await asyncio.to_thread(self.dependencies.audit.flush, 5.0)
        await asyncio.to_thread(self.stop)

    def stop(self) -> None:
        """End the threads and close their database connections."""
        self.dependencies.audit.stop()
        self.dependencies.policy.stop()
        self.dependencies.threads.stop()
        self.presence.stop()
        self.sealer.stop()
        self.lines.stop()


def _json_of(request_id: RequestId | None) -> bytes:
    return b"" if request_id is None else orjson.dumps(request_id)


@cache
def process_worker() -> Worker:
    """This process's worker, made when it is first needed."""
    return Worker()


def running_worker() -> Worker | None:
    """This process's worker, if it has been needed."""
    return process_worker() if process_worker.cache_info().currsize else None


async def drain(limit: float) -> None:
    """Drain this process's worker, if it has one."""
    if worker := running_worker():
        await worker.drain(limit)


def _forget(**_: Any) -> None:
    if worker := running_worker():
        worker.stop()
        process_worker.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tools_app.worker.worker")
