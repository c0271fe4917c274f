"""What waits for the client of a subscription: what it asked for, and each of it once."""

import asyncio
from typing import Any

import pytest
from mcp.shared.subscriptions import (
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp_types import SubscriptionFilter

from tools_app.streams.notifications import NotificationStream
from tools_app.wire.jsonrpc import notification_of

WAIT = 60.0
TOOLS = notification_of("notifications/tools/list_changed", None)
PROMPTS = notification_of("notifications/prompts/list_changed", None)
RESOURCES = notification_of("notifications/resources/list_changed", None)


def updated(uri: str) -> dict[str, Any]:
    return notification_of("notifications/resources/updated", {"uri": uri})


async def told(notifications: NotificationStream) -> list[ServerEvent]:
    """All that waits, once the stream has ended."""
    notifications.end("told")
    notifications.stop()
    async with asyncio.timeout(WAIT):
        return [event async for event in _events(notifications)]


async def _events(notifications: NotificationStream) -> Any:
    while (event := await notifications.next_event()) is not None:
        yield event


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, []),
        ({"tools_list_changed": True}, [ToolsListChanged()]),
        ({"prompts_list_changed": True, "tools_list_changed": False}, [PromptsListChanged()]),
        ({"resources_list_changed": True}, [ResourcesListChanged()]),
        ({"resource_subscriptions": ["a://1"]}, [ResourceUpdated("a://1")]),
    ],
)
async def test_what_was_asked_for_is_told_and_nothing_else(asked: dict[str, Any], expected: list[ServerEvent]) -> None:
    notifications = NotificationStream(SubscriptionFilter(**asked))
    for message in (TOOLS, PROMPTS, RESOURCES, updated("a://1"), updated("a://2"), notification_of("other", None)):
        assert notifications.post(message)
    assert await told(notifications) == expected


async def test_however_often_something_changes_it_waits_once() -> None:
    notifications = NotificationStream(
        SubscriptionFilter(tools_list_changed=True, resource_subscriptions=["a://1", "a://2"])
    )
    for number in range(10_000):
        notifications.post(TOOLS)
        notifications.post(updated(f"a://{number % 2 + 1}"))
    assert await told(notifications) == [ToolsListChanged(), ResourceUpdated("a://1"), ResourceUpdated("a://2")]


async def test_what_changes_later_is_told_again() -> None:
    notifications = NotificationStream(SubscriptionFilter(tools_list_changed=True))
    notifications.post(TOOLS)
    assert await notifications.next_event() == ToolsListChanged()
    waiting = asyncio.ensure_future(notifications.next_event())
    await asyncio.sleep(0)
    notifications.post(TOOLS)
    assert await asyncio.wait_for(waiting, WAIT) == ToolsListChanged()
    notifications.end("over")
    notifications.stop()
    assert await notifications.next_event() is None
    assert not notifications.post(TOOLS)


def test_only_what_is_told_is_acknowledged() -> None:
    asked = SubscriptionFilter(tools_list_changed=True, prompts_list_changed=False, resource_subscriptions=["a", "a"])
    honored = NotificationStream(asked).honored.model_dump(by_alias=True, exclude_none=True)
    assert honored == {"toolsListChanged": True, "resourceSubscriptions": ["a"]}
