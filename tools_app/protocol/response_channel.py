"""Sends what a tool reports to a caller whose request has a response stream of its own, by the SDK's context."""

import asyncio
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp_types import (
    LoggingMessageNotification,
    LoggingMessageNotificationParams,
    ProgressNotification,
    ProgressNotificationParams,
)

from authz_app import json_text
from tools_app.call import LogLevel
from tools_app.client_requests.multi_round_trip import MultiRoundTrip
from tools_app.client_requests.questions import Question
from tools_app.wire.meta import log_levels_in

Notification = ProgressNotification | LoggingMessageNotification


class ResponseChannel:
    """Sends what a tool reports, in order, and all of it before the result.

    A reader that falls more than ``max_bytes`` behind misses some of it: only the result must arrive.
    """

    def __init__(self, context: ServerRequestContext[Any, Any], round_trips: MultiRoundTrip, max_bytes: int) -> None:
        self.round_trips = round_trips
        self._context = context
        self._levels = log_levels_in(context.params)
        self._token = (context.meta or {}).get("progress_token")
        self._bytes_left = max_bytes
        self._queued: deque[tuple[Notification, int]] = deque()
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "ResponseChannel":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._sending is None:
            return
        if error is not None:
            self._sending.cancel()
        await asyncio.wait([self._sending])

    def progress(self, progress: float, total: float | None, message: str | None) -> None:
        if self._token is not None:
            params = ProgressNotificationParams(
                progress_token=self._token, progress=progress, total=total, message=message
            )
            self._queue(ProgressNotification(params=params), len(message or ""))

    def log(self, level: LogLevel, data: Any) -> None:
        if level in self._levels:
            params = LoggingMessageNotificationParams(level=level, data=data)
            self._queue(LoggingMessageNotification(params=params), len(json_text.dumps(data, default=str)))

    async def ask(self, question: Question) -> Mapping[str, Any]:
        return self.round_trips.ask(question)

    def _queue(self, notification: Notification, size: int) -> None:
        size += _OVERHEAD
        if size > self._bytes_left:
            return
        self._bytes_left -= size
        self._queued.append((notification, size))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        while self._queued:
            notification, size = self._queued.popleft()
            await self._context.session.send_notification(notification, self._context.request_id)
            self._bytes_left += size


_OVERHEAD = 200
