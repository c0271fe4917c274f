"""Subscribes an MCP session to changes of a resource (MCP to 2025-11-25, Resources, Subscriptions)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp_types import EmptyResult, ErrorData

from tools_app.errors import ToolFailure
from tools_app.invocation.access_request import AccessRequest, resource_read
from tools_app.sessions.session import SessionStore, SessionsUnavailable

_MAX_SUBSCRIPTIONS = 100
_MAX_URI = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class _Subscribing:
    """A ``Runnable`` that subscribes a session to a resource."""

    name: str
    function: Callable[..., Any]
    is_async: bool = True
    call_parameter: str | None = None
    time_limit: float | None = None

    def accept(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return arguments

    def answer(self, value: Any, uri: str) -> EmptyResult:
        return EmptyResult()

    def failure(self, text: str, code: int) -> ErrorData:
        return ErrorData(code=code, message=text)


def subscription(uri: str, session_key: str, sessions: SessionStore) -> AccessRequest:
    """The access request of a session that subscribes to a resource: it is decided and recorded as a read is."""

    async def subscribe() -> None:
        if len(uri) > _MAX_URI:
            raise ToolFailure(f"The URI has more than {_MAX_URI} characters, too many to subscribe to.")
        try:
            if not await sessions.subscribe(session_key, uri, _MAX_SUBSCRIPTIONS):
                raise ToolFailure(
                    f"This MCP session has {_MAX_SUBSCRIPTIONS} subscriptions; unsubscribe from some first."
                )
        except SessionsUnavailable as error:
            raise ToolFailure(str(error)) from error

    request = resource_read(uri)
    recorded = {**request.recorded, "subscribe": True}
    runs = None if request.runs is None else _Subscribing(request.name, subscribe)
    return request._replace(runs=runs, arguments={}, recorded=recorded)
