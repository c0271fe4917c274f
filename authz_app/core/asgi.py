"""Read the Host of a request, and send a JSON response, over ASGI. Knows nothing of who asks or why."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


def host_of(scope: Scope) -> str:
    """The Host header, or nothing."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")


async def send_json(
    send: Send, status: int, body: Mapping[str, object], headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send a whole response. No cache may keep it (RFC 9111 section 5.2.2.5): what it says is for one caller."""
    content = json.dumps(body, ensure_ascii=True).encode("ascii")
    standard = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode("ascii")),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*standard, *headers]})
    await send({"type": "http.response.body", "body": content})
