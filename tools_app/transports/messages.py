"""Reads the one JSON-RPC message that the body of a POST holds."""

from dataclasses import dataclass

from authz_app.core import strict_json
from authz_app.core.asgi import Receive, Scope
from authz_app.core.salvaged_json import salvaged
from tools_app.conf import conf
from tools_app.invocation.access_request import DECIDED_METHODS
from tools_app.transports.requests import MESSAGE, BadMessage, check_is_json, read_body
from tools_app.wire import jsonrpc


@dataclass(frozen=True, slots=True)
class Posted:
    """A message, and the body that it was read from."""

    message: jsonrpc.Message
    body: bytes


async def read_message(scope: Scope, receive: Receive) -> Posted:
    """Read a POST's message.

    Raises:
        RequestRefused: the body is no JSON by its Content-Type, or too large.
        BadMessage: it is not a message.
    """
    check_is_json(scope)
    body = await read_body(scope, receive, conf().max_body_bytes)
    try:
        posted = Posted(jsonrpc.read(strict_json.parse(body, conf().max_json_depth)), body)
        scope[MESSAGE] = posted.message
        return posted
    except strict_json.JsonRefused as error:
        raise BadMessage(jsonrpc.PARSE_ERROR, f"The body is refused: {error}.", salvaged(body)) from None
    except jsonrpc.NotAMessage as error:
        raise BadMessage(jsonrpc.INVALID_REQUEST, f"Not a JSON-RPC 2.0 message: {error}.", error.value) from None


def is_decided(message: jsonrpc.Message) -> bool:
    """Whether the policy decides what the message asks for, each time, and a record is written of it."""
    return isinstance(message, jsonrpc.Request) and message.method in DECIDED_METHODS


def is_subscription(message: jsonrpc.Message) -> bool:
    """Whether the message asks for a stream of notifications (MCP 2026-07-28, Subscriptions)."""
    return isinstance(message, jsonrpc.Request) and message.method == "subscriptions/listen"
