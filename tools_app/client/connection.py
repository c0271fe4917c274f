"""An MCP session with a server, by the SDK's own client. Turns whatever ends it into a sentence.

The SDK's transports stop sending at the first answer outside 2xx and wait for a reply that never comes, so the HTTP
client here reports such an answer and everything under way is cancelled. No silence is longer than the patience.
"""

import json
import math
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import anyio
import httpx2
from mcp.client import Client, ClientRequestContext, Transport
from mcp.client.sse import sse_client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    CallToolResult,
    ElicitRequestParams,
    ElicitResult,
    Implementation,
    LoggingMessageNotificationParams,
    Tool,
)
from pydantic import ValidationError

from tools_app.client.errors import ClientError, Refused, Unusable
from tools_app.client.refusal import HttpRefusal
from tools_app.client.terminal import one_line, safe

_SOFTWARE = Implementation(name="manage.py mcp_client", version="1")
_CONNECT_SECONDS = 10.0
_MAX_PAGES = 100
_MAX_REFUSAL_BYTES = 16_384
_REFUSAL_SECONDS = 5.0


class Person(Protocol):
    """Whoever sits at this end of the session."""

    async def answer(self, asked: ElicitRequestParams) -> ElicitResult:
        """Answer what the server asks (elicitation)."""

    def hear_log(self, level: str, text: str) -> None:
        """Take note of a log message of the server."""

    def hear_progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Take note of how far a call has come."""


class BearerToken(httpx2.Auth):
    """Sends an access token that is at hand. Another way to get one is another `httpx2.Auth` in its place."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class _Patience:
    """Cancels the session when the server has been silent for ``seconds`` while something is expected of it."""

    def __init__(self, scope: anyio.CancelScope, seconds: float) -> None:
        self._scope = scope
        self._seconds = seconds
        self._expecting = False

    @contextmanager
    def expecting(self, expecting: bool) -> Generator[None]:
        """Whether the server's next word is awaited, for as long as this lasts."""
        before, self._expecting = self._expecting, expecting
        self.heard()
        try:
            yield
        finally:
            self._expecting = before
            self.heard()

    def heard(self) -> None:
        """The server has just given a sign of life."""
        self._scope.deadline = anyio.current_time() + self._seconds if self._expecting else math.inf


@dataclass(frozen=True, slots=True)
class Connection:
    """An open session."""

    _client: Client
    _patience: _Patience
    _person: Person

    @property
    def instructions(self) -> str:
        """What the server says of itself and of the caller."""
        return self._client.instructions or ""

    async def tools(self) -> list[Tool]:
        """All tools that the server lists for this caller.

        Raises:
            ClientError: the server refused or failed.
        """
        found: list[Tool] = []
        cursor: str | None = None
        with self._patience.expecting(True), _as_sentences():
            for _ in range(_MAX_PAGES):
                page = await self._client.list_tools(cursor=cursor)
                self._patience.heard()
                found += page.tools
                cursor = page.next_cursor
                if cursor is None:
                    break
        return found

    async def call(self, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """Call a tool. Its own failure is a result too (``is_error``).

        Raises:
            ClientError: the server refused the call or failed.
        """
        with self._patience.expecting(True), _as_sentences():
            return await self._client.call_tool(name, dict(arguments), progress_callback=self._hear_progress)

    async def _hear_progress(self, progress: float, total: float | None, message: str | None) -> None:
        self._patience.heard()
        self._person.hear_progress(progress, total, message)


@asynccontextmanager
async def connect(url: str, auth: httpx2.Auth, person: Person, patience: float) -> AsyncGenerator[Connection]:
    """Open an HTTP+SSE session at ``url``. ``patience`` is the longest silence in seconds.

    Raises:
        ClientError: there is no connection, or the server refused, failed or fell silent; from within the body too,
            at whatever it awaits.
    """
    scope = anyio.CancelScope()
    waiting = _Patience(scope, patience)
    ends: list[ClientError] = []

    def end(reason: ClientError) -> None:
        ends.append(reason)
        scope.cancel()

    transport = sse_client(url, timeout=_CONNECT_SECONDS, httpx_client_factory=partial(_Http, end), auth=auth)
    try:
        with scope:
            async with AsyncExitStack() as stack:
                with waiting.expecting(True), _as_sentences():
                    client = await stack.enter_async_context(_client(transport, person, waiting))
                yield Connection(client, waiting, person)
    except (ClientError, ExceptionGroup, httpx2.HTTPError) as error:
        raise (ends[0] if ends else _sentence(error)) from None
    if ends:
        raise ends[0]
    if scope.cancelled_caught:
        raise Unusable(f"The server at {url} has been silent for {patience:g} seconds.")


def _client(transport: Transport, person: Person, waiting: _Patience) -> Client:
    async def answer(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        with waiting.expecting(False):
            return await person.answer(params)

    async def hear_log(params: LoggingMessageNotificationParams) -> None:
        waiting.heard()
        text = params.data if isinstance(params.data, str) else json.dumps(params.data, ensure_ascii=False)
        person.hear_log(params.level, text)

    # HTTP+SSE is of the handshake era: only there may a server ask on the stream. The newer era is a matter of another
    # transport, where "auto" is the mode.
    return Client(
        transport, mode="legacy", client_info=_SOFTWARE, elicitation_callback=answer, logging_callback=hear_log
    )


class _Http(httpx2.AsyncClient):
    """The HTTP client under the transport. Calls ``end`` with the reason when a request fails or is refused."""

    def __init__(self, end: Callable[[ClientError], None], **options: Any) -> None:
        super().__init__(**options)
        self._end = end

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        try:
            response = await super().send(request, **options)
        except httpx2.TransportError as error:
            self._end(Unusable(_broken(error, request.url)))
            raise
        if not response.is_success and not _redirects_within_origin(response):
            self._end((await _refusal(response)).error())
        return response


def _broken(error: httpx2.TransportError, url: httpx2.URL) -> str:
    at = f"{url.scheme}://{url.netloc.decode('ascii')}"
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return f"Nothing answers at {at} ({one_line(str(error)) or 'timed out'}). Is the server running there?"
    return f"The connection to {at} broke ({type(error).__name__}: {one_line(str(error))})."


def _redirects_within_origin(response: httpx2.Response) -> bool:
    """Whether the SDK's transport follows this answer, rather than taking it for the end."""
    following = response.next_request
    if following is None or following.method != response.request.method:
        return False
    here, there = response.request.url, following.url
    return (here.scheme, here.netloc) == (there.scheme, there.netloc)


async def _refusal(response: httpx2.Response) -> HttpRefusal:
    body = bytearray()
    with anyio.move_on_after(_REFUSAL_SECONDS), suppress(httpx2.HTTPError):
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _MAX_REFUSAL_BYTES:
                break
    return HttpRefusal(
        status=response.status_code,
        url=str(response.request.url.copy_with(query=None)),
        body=bytes(body[:_MAX_REFUSAL_BYTES]),
        challenge=response.headers.get("WWW-Authenticate", ""),
        retry_after=response.headers.get("Retry-After", ""),
        location=response.headers.get("Location", ""),
    )


@contextmanager
def _as_sentences() -> Generator[None]:
    try:
        yield
    except (MCPError, ValidationError, RuntimeError, ExceptionGroup) as error:
        raise _sentence(error) from None


def _sentence(error: Exception) -> Exception:
    """``error`` as the person should read it; what is not known here stays itself."""
    match error:
        case ExceptionGroup(exceptions=[first, *_]):
            return _sentence(first)
        case MCPError(code=code, message="Connection closed") if code == CONNECTION_CLOSED:
            return Unusable("The server closed the connection before it had answered.")
        case MCPError(code=code, message=message):
            return Refused(safe(message) if code == INVALID_PARAMS else f"{safe(message)} (error {code})")
        case httpx2.SSEError():
            return Unusable("What answers there is not an event stream, so not an MCP server over HTTP+SSE.")
        case ValidationError():
            return Unusable("The server's answer does not follow the MCP specification.")
        case RuntimeError():
            return Unusable(f"The server's answer cannot be used: {one_line(str(error))}")
    return error
