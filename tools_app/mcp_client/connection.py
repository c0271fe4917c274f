"""Opens an MCP session with a server by the SDK's client, and words whatever ends it as a sentence.

When the HTTP client reports that the session cannot go on, everything under way is cancelled. No silence is longer than
the patience.
"""

import json
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import anyio
import httpx2
import mcp_types as types
from django.conf import settings
from mcp.client import Client, ClientRequestContext
from mcp.client.auth import OAuthFlowError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from tools_app.mcp_client.address import Endpoint
from tools_app.mcp_client.credentials import Credentials
from tools_app.mcp_client.errors import ClientError, Refused, Unusable
from tools_app.mcp_client.http import Http
from tools_app.mcp_client.http_errors import what_to_ask_for
from tools_app.mcp_client.person import Person
from tools_app.mcp_client.terminal import one_line, safe

_SOFTWARE = types.Implementation(name="manage.py mcp_client", version=settings.VERSION)
_CONNECT_SECONDS = 10.0
_MAX_PAGES = 100
# A stream may be silent for long; how long the server may be is a matter of patience.
_STREAM_SECONDS = 3600.0
Page = TypeVar("Page", bound=types.PaginatedResult)
Result = TypeVar("Result")


class _Patience:
    """Cancels the session when the server was silent for ``seconds`` while something is expected of it."""

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
    """An open session. Each method raises ClientError when the server refused or failed."""

    _client: Client
    _http: Http
    _patience: _Patience
    _person: Person

    @property
    def instructions(self) -> str:
        return self._client.instructions or ""

    async def tools(self) -> list[types.Tool]:
        return [tool for page in await self._pages(self._client.list_tools) for tool in page.tools]

    async def resources(self) -> list[types.Resource | types.ResourceTemplate]:
        """All resources that the server lists for this caller, then all templates of resources."""
        if self._client.server_capabilities.resources is None:
            return []
        found = await self._pages(self._client.list_resources)
        templates = await self._pages(self._client.list_resource_templates)
        return [
            *(resource for page in found for resource in page.resources),
            *(template for page in templates for template in page.resource_templates),
        ]

    async def prompts(self) -> list[types.Prompt]:
        if self._client.server_capabilities.prompts is None:
            return []
        return [prompt for page in await self._pages(self._client.list_prompts) for prompt in page.prompts]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> types.CallToolResult:
        """Call a tool. Its own failure is a result too (``is_error``)."""
        return await self._asked(self._client.call_tool(name, dict(arguments), progress_callback=self._hear_progress))

    async def read(self, uri: str) -> types.ReadResourceResult:
        return await self._asked(self._client.read_resource(uri))

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
        return await self._asked(self._client.get_prompt(name, dict(arguments)))

    async def _asked(self, answer: Awaitable[Result]) -> Result:
        self._http.missing_scopes = ""
        try:
            with self._patience.expecting(True), _as_sentences():
                return await answer
        except Refused as refused:
            if self._http.missing_scopes:
                raise Refused(f"{refused} {what_to_ask_for(self._http.missing_scopes)}") from None
            raise

    async def _pages(self, fetch: Callable[..., Awaitable[Page]]) -> list[Page]:
        pages: list[Page] = []
        with self._patience.expecting(True), _as_sentences():
            while len(pages) < _MAX_PAGES:
                pages.append(await fetch(cursor=pages[-1].next_cursor if pages else None))
                self._patience.heard()
                if pages[-1].next_cursor is None:
                    break
        return pages

    async def _hear_progress(self, progress: float, total: float | None, message: str | None) -> None:
        self._patience.heard()
        self._person.hear_progress(progress, total, message)


@asynccontextmanager
async def connect(
    server: Endpoint, credentials: Credentials, person: Person, patience: float
) -> AsyncGenerator[Connection]:
    """Open a session with ``server``. ``patience`` is the longest silence in seconds.

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

    timeout = httpx2.Timeout(_CONNECT_SECONDS, read=_STREAM_SECONDS)
    auth = credentials.auth(partial(waiting.expecting, False))
    http = Http(server.transport, end, timeout=timeout, auth=auth)
    try:
        with scope:
            async with AsyncExitStack() as stack:
                if server.transport == "streamable":  # The SDK's SSE transport opens and closes it.
                    await stack.enter_async_context(http)
                with waiting.expecting(True), _as_sentences():
                    client = await stack.enter_async_context(_client(server, http, person, waiting))
                yield Connection(client, http, waiting, person)
    except (ClientError, OAuthFlowError, ExceptionGroup, httpx2.HTTPError) as error:
        raise (ends[0] if ends else _sentence(error)) from None
    if ends:
        raise ends[0]
    if scope.cancelled_caught:
        raise Unusable(f"The server at {server.url} has been silent for {patience:g} seconds.")


def _client(server: Endpoint, http: Http, person: Person, waiting: _Patience) -> Client:
    async def answer(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        with waiting.expecting(False):
            return await person.answer(params)

    async def sample(
        context: ClientRequestContext, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult | types.ErrorData:
        with waiting.expecting(False):
            return await person.sample(params)

    async def hear_log(params: types.LoggingMessageNotificationParams) -> None:
        waiting.heard()
        text = params.data if isinstance(params.data, str) else json.dumps(params.data, ensure_ascii=False)
        person.hear_log(params.level, text)

    transport = (
        sse_client(server.url, httpx_client_factory=lambda headers=None, timeout=None, auth=None: http)
        if server.transport == "sse"
        else streamable_http_client(server.url, http_client=http)
    )
    # HTTP+SSE is of the handshake era: only there may a server ask on the stream.
    return Client(
        transport,
        mode="legacy" if server.transport == "sse" else "auto",
        client_info=_SOFTWARE,
        elicitation_callback=answer,
        sampling_callback=sample,
        logging_callback=hear_log,
        log_level="info",
    )


@contextmanager
def _as_sentences() -> Generator[None]:
    try:
        yield
    except (MCPError, ValidationError, RuntimeError, ExceptionGroup) as error:
        raise _sentence(error) from None


def _sentence(error: Exception) -> Exception:
    """``error`` as a sentence for the person; one of another kind stays as it is."""
    match error:
        case ExceptionGroup(exceptions=[first, *_]):
            return _sentence(first)
        case MCPError(code=code, message="Connection closed") if code == types.CONNECTION_CLOSED:
            return Unusable("The server closed the connection before it had answered.")
        case MCPError(code=code, message=message):
            return Refused(safe(message) if code == types.INVALID_PARAMS else f"{safe(message)} (error {code})")
        case httpx2.SSEError():
            return Unusable("What answers there is not an event stream, so not an MCP server over HTTP+SSE.")
        case ValidationError():
            return Unusable("The server's answer does not follow the MCP specification.")
        case RuntimeError():
            return Unusable(f"The server's answer cannot be used: {one_line(str(error))}")
    return error
