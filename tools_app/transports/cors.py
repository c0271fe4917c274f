"""Lets pages of the allowed origins use the MCP paths (Fetch standard, "CORS protocol"). Decides no origin itself."""

import re

from authz_app.core.asgi import Message, Scope, Send
from tools_app.transports.requests import header_values

_METHODS = b"GET, POST, DELETE"
# What a client in a browser has to read beside the body: its session, where to log in, and when to come again.
_EXPOSED = b"Mcp-Session-Id, WWW-Authenticate, Retry-After"
_HEADER_NAMES = re.compile(r"[A-Za-z0-9\-, ]{1,1000}")
_DAY = b"86400"


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks in advance what a page may send; it can carry no access token, and reaches nothing."""
    return (
        scope["method"] == "OPTIONS"
        and bool(header_values(scope, b"origin"))
        and bool(header_values(scope, b"access-control-request-method"))
    )


async def answer_preflight(scope: Scope, send: Send) -> None:
    """Let the page send what it likes: nothing that it says counts without an access token."""
    names = ",".join(header_values(scope, b"access-control-request-headers"))
    headers = [
        (b"content-length", b"0"),
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", _DAY),
    ]
    if _HEADER_NAMES.fullmatch(names):
        headers.append((b"access-control-allow-headers", names.encode("ascii")))
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def readable_by_its_origin(scope: Scope, send: Send) -> Send:
    """Wrap ``send``, so that the page that asked may read the answer. Its origin has been found to be allowed."""
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    if not origins:
        return send
    leave = [
        (b"access-control-allow-origin", origins[0]),
        (b"access-control-expose-headers", _EXPOSED),
        (b"vary", b"Origin"),
    ]

    async def with_leave(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *leave]}
        await send(message)

    return with_leave
