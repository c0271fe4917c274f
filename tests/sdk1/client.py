"""A client of the MCP SDK 1.x, run in an environment of its own: it and 2.x cannot share one.

    python client.py URL TOKEN

Goes through what a client can do over HTTP+SSE, or over Streamable HTTP where the URL ends in /mcp, and prints what it
saw as one JSON object.
"""

import asyncio
import json
import sys
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import mcp.types as types
from mcp import ClientSession, McpError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamablehttp_client
from mcp.shared.context import RequestContext


def connect(url: str, token: str) -> AbstractAsyncContextManager[Any]:
    """The streams to and from the site."""
    return (streamablehttp_client if url.endswith("/mcp") else sse_client)(
        url, headers={"Authorization": f"Bearer {token}"}
    )


async def main(url: str, token: str) -> dict[str, Any]:
    seen: dict[str, Any] = {"logs": [], "progress": []}
    has_begun = asyncio.Event()

    async def elicit(context: RequestContext[Any, Any], params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"name": "Ada"})

    async def sample(context: RequestContext[Any, Any], params: types.CreateMessageRequestParams) -> Any:
        text = f"{params.messages[0].content.text} Brief."
        return types.CreateMessageResult(role="assistant", content=types.TextContent(type="text", text=text), model="m")

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        seen["logs"].append(params.data)
        if params.data == "asks in a moment":
            has_begun.set()

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen["progress"].append([done, total, message])

    async with (
        connect(url, token) as (read, write, *_),
        ClientSession(
            read,
            write,
            read_timeout_seconds=timedelta(seconds=20),
            elicitation_callback=elicit,
            sampling_callback=sample,
            logging_callback=log,
        ) as session,
    ):
        initialized = await session.initialize()
        seen["version"] = initialized.protocolVersion
        seen["instructions"] = initialized.instructions
        seen["tools"] = sorted(tool.name for tool in (await session.list_tools()).tools)
        seen["echo"] = (await session.call_tool("echo", {"text": "hello"})).content[0].text
        seen["count"] = (await session.call_tool("count_up", {"to": 2}, progress_callback=progress)).content[0].text
        seen["greet"] = (await session.call_tool("greet", {})).content[0].text
        seen["summary"] = (await session.call_tool("summarize", {"text": "This"})).content[0].text
        try:
            await session.call_tool("weather_tool", {"location": "x"})
        except McpError as error:
            seen["refusal"] = error.error.message
        seen["cancelled"] = await cancel(session, has_begun)
    return seen


async def cancel(session: ClientSession, has_begun: asyncio.Event) -> str:
    """Call, cancel by notification, and see that the session goes on."""
    request_id = session._request_id
    waiting = asyncio.create_task(session.call_tool("greet_late", {"seconds": 60}))
    await asyncio.wait_for(has_begun.wait(), 60)
    notification = types.CancelledNotification(
        method="notifications/cancelled", params=types.CancelledNotificationParams(requestId=request_id)
    )
    await session.send_notification(types.ClientNotification(notification))
    await session.send_ping()
    waiting.cancel()
    return "goes on"


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
