"""One process's share of the site: what it holds in memory, its background tasks, and how it ends."""

import asyncio
import os
import secrets
import socket
from collections.abc import Coroutine
from functools import cache
from typing import Any

from django.core.signals import setting_changed

from authz_app.audit.writer import AuditWriter
from authz_app.conf import conf as authz_conf
from authz_app.policy_store import PolicyStore
from tools_app.conf import conf
from tools_app.in_flight import InFlight
from tools_app.invocation import Rooms
from tools_app.open_sessions import OpenSessions
from tools_app.replies import Replies
from tools_app.sessions import MemorySessionStore, SessionStore
from tools_app.threads import ToolThreads


class Worker:
    """Everything that lives as long as the process does, on one event loop."""

    def __init__(self) -> None:
        site, limits = authz_conf(), conf()
        self.name = f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(3)}"
        self.rooms = Rooms(
            policy=PolicyStore(site.trusted_issuers),
            audit=AuditWriter(site.audit_timeout),
            threads=ToolThreads(limits.tool_threads),
            time_limit=limits.tool_time_limit,
            max_result_bytes=limits.max_queued_bytes // 2,
            contact=site.contact,
            worker=self.name,
        )
        self.sessions: SessionStore = MemorySessionStore()
        self.replies = Replies(self.name)
        self.open = OpenSessions(self.rooms, self.sessions)
        self.in_flight = InFlight()
        self.draining = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run work in a task of its own, which outlives the request that asked for it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, limit: float) -> None:
        """Let running calls end, for at most ``limit`` seconds; commit what is to be committed; close the streams."""
        self.draining = True
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=limit)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)
        self.open.end_all("the server is shutting down")
        await asyncio.to_thread(self.rooms.audit.flush, 5.0)
        await asyncio.to_thread(self.stop)

    def stop(self) -> None:
        """End the threads and close their database connections."""
        self.rooms.audit.stop()
        self.rooms.policy.stop()
        self.rooms.threads.stop()


@cache
def worker() -> Worker:
    """This process's worker, made when it is first needed."""
    return Worker()


async def drain(limit: float) -> None:
    """Drain this process's worker, if it has one."""
    if worker.cache_info().currsize:
        await worker().drain(limit)


def _forget(**_: Any) -> None:
    if worker.cache_info().currsize:
        worker().stop()
        worker.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tools_app.worker")
