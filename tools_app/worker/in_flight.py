"""Knows the requests that this worker is answering, and cancels them."""

import asyncio
from typing import Any

from tools_app.sessions.session import SESSION_ENDED
from tools_app.wire.jsonrpc import RequestId

_Key = tuple[type, RequestId]


class InFlight:
    """The tasks that answer requests, by session key and request id."""

    def __init__(self) -> None:
        self._tasks: dict[str, dict[_Key, asyncio.Task[Any]]] = {}

    def count(self, session_key: str) -> int:
        return len(self._tasks.get(session_key, ()))

    def has(self, session_key: str, request_id: RequestId) -> bool:
        return _key(request_id) in self._tasks.get(session_key, ())

    def add(self, session_key: str, request_id: RequestId, task: "asyncio.Task[Any]") -> None:
        """Keep a request's task until it is done."""
        self._tasks.setdefault(session_key, {})[_key(request_id)] = task
        task.add_done_callback(lambda _: self._remove(session_key, request_id))

    def cancel(self, session_key: str, request_id: RequestId) -> bool:
        """Cancel a request, if this worker is answering it. Returns whether it is."""
        task = self._tasks.get(session_key, {}).get(_key(request_id))
        if task is None or task.done():
            return False
        _cancel_soon(task)
        return True

    def cancel_session(self, session_key: str) -> None:
        for task in list(self._tasks.get(session_key, {}).values()):
            _cancel_soon(task, SESSION_ENDED)

    def _remove(self, session_key: str, request_id: RequestId) -> None:
        tasks = self._tasks.get(session_key, {})
        tasks.pop(_key(request_id), None)
        if not tasks:
            self._tasks.pop(session_key, None)


def _cancel_soon(task: "asyncio.Task[Any]", why: str | None = None) -> None:
    """Cancel a task once it has begun: before that, it would end without a word to whoever waits for its answer."""
    task.get_loop().call_soon(_cancel, task, why)


def _cancel(task: "asyncio.Task[Any]", why: str | None) -> None:
    """Cancel a task only once: several workers may end one session, and a second cancellation cuts a decision short."""
    if not task.cancelling():
        task.cancel(why)


def _key(request_id: RequestId) -> _Key:
    """Tell 1 from "1": they are different ids (JSON-RPC 2.0, section 4)."""
    return (type(request_id), request_id)
