"""Receives the authorization response from the browser, at one address on this machine (RFC 8252 section 7.3)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from tools_app.mcp_client.errors import Unusable

_HOST = "127.0.0.1"
_PATH = "/callback"
_MAX_LINE = 16_384
_READ_SECONDS = 10.0
_PAGE = "<!doctype html><meta charset=utf-8><title>{title}</title><p>{title}. You can close this page.</p>"


def redirect_uri(port: int) -> str:
    """The address that is registered at the authorization server."""
    return f"http://{_HOST}:{port}{_PATH}"


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """The authorization server's response or error, as the browser brings it (RFC 6749 section 4.1.2, RFC 9207)."""

    code: str
    state: str
    issuer: str | None
    error: str


@asynccontextmanager
async def listening(port: int, state: str) -> AsyncGenerator["asyncio.Future[AuthorizationResponse]"]:
    """Listen for the response to the request with this ``state``. Whatever else comes is turned away.

    Raises:
        Unusable: the port is taken.
    """
    responded: asyncio.Future[AuthorizationResponse] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                line = await reader.readline()
                writer.write(_reply(line, state, responded))
                await writer.drain()
        except (TimeoutError, ValueError, ConnectionError):
            pass  # no browser, or one that is gone
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(serve, _HOST, port, limit=_MAX_LINE)
    except OSError as error:
        raise Unusable(
            f"The login needs the port {port} of this machine for the browser to come back to, and cannot have it"
            f" ({error.strerror}). Give another with --callback-port, and register {redirect_uri(port)} with that port."
        ) from None
    async with server:
        yield responded


def _reply(line: bytes, state: str, responded: "asyncio.Future[AuthorizationResponse]") -> bytes:
    response = _parsed(line)
    if response is None or response.state != state:
        return _page(HTTPStatus.BAD_REQUEST, "This is not the answer that was waited for")
    if not responded.done():
        responded.set_result(response)
    return _page(HTTPStatus.OK, "The login was refused" if response.error else "You are logged in")


def _parsed(line: bytes) -> AuthorizationResponse | None:
    method, _, rest = line.decode("latin-1").partition(" ")
    parts = urlsplit(rest.partition(" ")[0])
    if method != "GET" or parts.path != _PATH:
        return None
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    error = ": ".join(query[name] for name in ("error", "error_description") if query.get(name))
    if "state" not in query or not (error or query.get("code")):
        return None
    return AuthorizationResponse(query.get("code", ""), query["state"], query.get("iss"), error)


def _page(status: HTTPStatus, title: str) -> bytes:
    body = _PAGE.format(title=title).encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode() + body
