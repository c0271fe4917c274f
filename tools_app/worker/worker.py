"""Builds one process's share of the site, and begins and ends it."""

import asyncio
import json
import os
import secrets
import socket
import time

from django.conf import settings

from authz_app import json_text
from authz_app.audit.refused_requests import RefusedRequests
from authz_app.audit.writer import AuditWriter
from authz_app.conf import conf as authz_conf
from authz_app.evidence.sealer import Sealer
from authz_app.export.line_writer import line_writer
from authz_app.policy_store.store import PolicyStore
from authz_app.tokens.verifier import verifier
from tools_app.client_requests.replies import Replies
from tools_app.cluster.outbox import Delivery
from tools_app.cluster.presence import Presence
from tools_app.cluster.workers import RedisWorkers, SingleWorker, WorkerMessage, Workers
from tools_app.conf import conf
from tools_app.invocation.dependencies import Dependencies
from tools_app.invocation.threads import ToolThreads
from tools_app.sessions.session import McpSessionState, SessionStore
from tools_app.streams import resource_updates
from tools_app.streams.open_streams import OpenStreams
from tools_app.streams.resource_updates import ResourceUpdates
from tools_app.streams.watch import StreamWatch
from tools_app.wire.jsonrpc import RequestId, Response
from tools_app.worker import session_lifetime
from tools_app.worker.delivery import MessageDelivery, request_as_json
from tools_app.worker.in_flight import InFlight
from tools_app.worker.session_events import SessionEvents
from tools_app.worker.session_lifetime import SessionLifetime
from tools_app.worker.session_sweep import SessionSweep
from tools_app.worker.tasks import Tasks

_LARGEST_RESULT = 8_000_000


class Worker:
    """Holds everything that lives as long as the process does, on one event loop."""

    def __init__(self) -> None:
        site, limits = authz_conf(), conf()
        self.name = f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(3)}"
        idle, grace = limits.max_session_idle, limits.session_grace
        self.workers: Workers = (
            RedisWorkers(self.name, self._receive, self._lost, limits.max_calls_in_flight, idle, grace)
            if settings.REDIS_URL
            else SingleWorker(self._receive, self._lost, idle, self._over, grace)
        )
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
        audit, policy = self.dependencies.audit, self.dependencies.policy
        self._events = SessionEvents(audit, self.name, shared=bool(settings.REDIS_URL))
        self.refused = RefusedRequests(audit.close, self.name)
        self.replies = Replies(lambda: self.workers.channel)
        self.in_flight = InFlight()
        self.tasks = Tasks()
        self.streams = OpenStreams()
        self.lifetime = SessionLifetime(self.workers, self._events, self.tasks)
        self.delivery = MessageDelivery(self.workers, self.streams, self.replies, audit, self.lifetime.forget)
        is_answering = lambda key: self.in_flight.count(key) > 0  # noqa: E731
        self.watch = StreamWatch(self.streams, policy, self.workers, is_answering, self.lifetime.end)
        self.updates = ResourceUpdates(self.dependencies, self.workers, self.streams.all)
        self.presence = Presence(self.name, alone=not settings.REDIS_URL)
        self.sealer = Sealer(site.audit_seal_seconds)
        self.lines = line_writer(site.audit_lines, self.name, full=site.audit_lines_full)
        self._sweep = SessionSweep(
            self.sessions,
            self.name,
            shared=bool(settings.REDIS_URL),
            idle=idle,
            drain=settings.DRAIN_SECONDS,
            close=self._events.closed,
        )
        self.loop: asyncio.AbstractEventLoop | None = None

    @property
    def sessions(self) -> SessionStore:
        return self.workers.sessions

    @property
    def draining(self) -> bool:
        return self.tasks.draining

    def start(self) -> None:
        """Show the other workers that this one is there, and start its threads. May be repeated."""
        loop = asyncio.get_running_loop()
        if self.loop is loop:
            return
        if self.loop is None:
            self.tasks.keep(self._sweep.run())
        self.loop = loop
        verifier().start()
        self.presence.start()
        self.sealer.start()
        self.lines.start()

    async def cancel(self, session: McpSessionState, request_id: RequestId) -> None:
        """Cancel a request, whichever worker is answering it.

        Raises:
            SessionsUnavailable: the other workers cannot be told.
        """
        if not self.in_flight.cancel(session.key, request_id):
            request = request_as_json(request_id)
            await self.workers.tell_all({"type": "cancel", "session": session.key, "request": request})

    async def closed(self, key: str, why: str) -> None:
        """Note that a stream of this worker has closed: its session ends."""
        self.in_flight.cancel_session(key)
        try:
            await self.lifetime.end_or_forget(key, why)
        finally:
            self.streams.remove(key)

    def _over(self, session: McpSessionState, why: str) -> None:
        """Note that a session has ended by itself."""
        self._events.closed(session.key, session, why)

    def _lost(self, delivery: Delivery) -> None:
        self.delivery.lost(delivery)

    def _receive(self, message: WorkerMessage) -> None:
        """Take what another worker sent."""
        key = message.get("session", "")
        match message["type"]:
            case "deliveries":
                self.delivery.take(message)
            case "reply":
                self.replies.deliver(key, Response(**json.loads(message["response"])))
            case "cancel":
                self.in_flight.cancel(key, json_text.loads(message["request"]))
            case "ended":
                self.in_flight.cancel_session(key)
                self.streams.end(key, message["why"])
            case session_lifetime.EXTENDED:
                self.streams.renew_soon(key)
            case resource_updates.MESSAGE:
                self.tasks.spawn(self.updates.tell(message["uris"]))

    async def drain(self, limit: float) -> None:
        """Let running calls end, for at most ``limit`` seconds; commit what is to be committed; close the streams."""
        until = time.monotonic() + limit
        self.presence.leave()
        await self.tasks.finish(limit)
        await self.watch.answered_elsewhere(until - time.monotonic())
        self.streams.end_all("the server is shutting down")
        self.watch.stop()
        await self.watch.all_closed(1.0)
        self.updates.stop()
        await self.workers.leave()
        self.tasks.stop()
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
