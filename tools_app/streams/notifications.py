"""Queues notifications for a `subscriptions/listen` stream (MCP 2026-07-28, Subscriptions)."""

import asyncio
from collections.abc import Mapping
from typing import Any

from mcp.shared.subscriptions import ServerEvent, event_from_wire, event_matches
from mcp_types import SubscriptionFilter

from tools_app.streams.event_stream import EventStream


class NotificationStream(EventStream):
    """Takes the same notifications as other streams, keeps those that its client asked for, and hands them out typed.

    Each says only that something has changed, so one that waits already is as good as two: however slowly the client
    reads, no more can wait than it has asked for.
    """

    def __init__(self, asked_for: SubscriptionFilter) -> None:
        super().__init__(max_bytes=0, heartbeat=0)
        uris = asked_for.resource_subscriptions or []
        self.honored = SubscriptionFilter(
            tools_list_changed=asked_for.tools_list_changed or None,
            prompts_list_changed=asked_for.prompts_list_changed or None,
            resources_list_changed=asked_for.resources_list_changed or None,
            resource_subscriptions=list(dict.fromkeys(uris)) or None,
        )
        self._uris = frozenset(uris)
        self._events: dict[ServerEvent, None] = {}

    def post(self, message: Mapping[str, Any]) -> bool:
        if self.ended:
            return False
        event = event_from_wire(message["method"], message.get("params"))
        if event is not None and event_matches(self.honored, self._uris, event):
            self._events[event] = None
            self._wake()
        return True

    async def next_event(self) -> ServerEvent | None:
        """Wait for the next event. None: the stream has ended."""
        while not self._events:
            if self.ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        event = next(iter(self._events))
        del self._events[event]
        return event
