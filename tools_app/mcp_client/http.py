"""Sends the HTTP requests of the SDK's transports, and reports refused and failed ones at once.

The transports stop sending at the first answer outside 2xx and wait for a reply that never comes, or say no more of it
than that there was an error. So what such an answer means for the session is decided here.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio
import httpx2
import orjson
from mcp.client.auth import OAuthFlowError

from tools_app.mcp_client.address import TransportName, origin
from tools_app.mcp_client.errors import ClientError, Unusable
from tools_app.mcp_client.http_errors import ErrorResponse
from tools_app.mcp_client.login import failure
from tools_app.mcp_client.terminal import one_line

_MAX_REFUSAL_BYTES = 16_384
_REFUSAL_SECONDS = 5.0
_PROBE = "server/discover"
# Whatever the revision of the protocol: such an answer is about the caller or the moment.
_NO_MATTER_THE_ERA = frozenset({401, 403, 429})


class Http(httpx2.AsyncClient):
    """Calls ``end`` with the reason when a request fails or is refused in a way that ends the session.

    ``missing_scopes`` are those that the latest insufficient_scope challenge named (RFC 6750 section 3.1).
    """

    def __init__(self, transport: TransportName, end: Callable[[ClientError], None], **options: Any) -> None:
        super().__init__(**options)
        self._spoken = transport
        self._end = end
        self.missing_scopes = ""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        try:
            response = await super().send(request, **options)
        except httpx2.TransportError as error:
            if self._ends_session(request):
                self._end(Unusable(_broken(error, request)))
            raise
        except (ClientError, OAuthFlowError) as error:
            self._end(error if isinstance(error, ClientError) else failure(error))
            raise
        if response.is_success or _redirects_within_origin(response):
            return response
        error_response = _error_response(response)
        self.missing_scopes = error_response.missing_scopes or self.missing_scopes
        if self._ends_session(request) and not await self._is_for_the_sdk(response):
            self._end(replace(error_response, body=await _body(response)).error())
        return response

    def _ends_session(self, request: httpx2.Request) -> bool:
        """Whether the session ends with this request. Streamable HTTP may do without its stream (405), and its end."""
        return self._spoken == "sse" or request.method == "POST"

    async def _is_for_the_sdk(self, response: httpx2.Response) -> bool:
        """Whether the SDK can use it: a JSON-RPC error, or how an older server refuses the probe for the newer era."""
        if self._spoken == "sse":
            return False
        if response.status_code == 401:
            return False
        probing = response.request.headers.get("Mcp-Method") == _PROBE
        if probing and 400 <= response.status_code < 500 and response.status_code not in _NO_MATTER_THE_ERA:
            return True
        return await _is_json_rpc(response)


async def _is_json_rpc(response: httpx2.Response) -> bool:
    if not response.headers.get("Content-Type", "").lower().startswith("application/json"):
        return False
    with anyio.move_on_after(_REFUSAL_SECONDS), suppress(httpx2.HTTPError, orjson.JSONDecodeError):
        parsed = orjson.loads(await response.aread())
        return isinstance(parsed, dict) and "jsonrpc" in parsed
    return False


def _broken(error: httpx2.TransportError, request: httpx2.Request) -> str:
    # A login asks other servers than the one that the request is for.
    with suppress(RuntimeError):
        request = error.request
    at = origin(str(request.url))
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return f"Nothing answers at {at} ({one_line(str(error)) or 'timed out'}). Is the server running there?"
    return f"The connection to {at} broke ({type(error).__name__}: {one_line(str(error))})."


def _redirects_within_origin(response: httpx2.Response) -> bool:
    """Whether the SDK's transport follows this answer, rather than taking it for the end."""
    following = response.next_request
    if following is None or following.method != response.request.method:
        return False
    before, after = response.request.url, following.url
    return (before.scheme, before.netloc) == (after.scheme, after.netloc)


def _error_response(response: httpx2.Response) -> ErrorResponse:
    return ErrorResponse(
        status=response.status_code,
        url=str(response.request.url.copy_with(query=None)),
        challenge=response.headers.get("WWW-Authenticate", ""),
        retry_after=response.headers.get("Retry-After", ""),
        location=response.headers.get("Location", ""),
    )


async def _body(response: httpx2.Response) -> bytes:
    body = bytearray()
    with anyio.move_on_after(_REFUSAL_SECONDS), suppress(httpx2.HTTPError, httpx2.StreamError):
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _MAX_REFUSAL_BYTES:
                break
    return bytes(body[:_MAX_REFUSAL_BYTES])
