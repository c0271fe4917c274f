"""What the body of a POST is read as, and what kind of request it is."""

import asyncio
from typing import Any

import orjson
import pytest

from authz_app.core.asgi import Message
from tools_app.invocation.access_request import DECIDED_METHODS, SESSION, access_request_of
from tools_app.transports.messages import Posted, is_decided, is_subscription, read_message
from tools_app.transports.requests import BadMessage, RequestRefused
from tools_app.wire.jsonrpc import INVALID_REQUEST, PARSE_ERROR, Notification, Request, Response

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "x"}}}


def posted(body: bytes, content_type: bytes = b"application/json") -> Posted:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    scope: dict[str, Any] = {"type": "http", "headers": [(b"content-type", content_type)]}
    return asyncio.run(read_message(scope, receive))


def test_a_message_is_read_and_kept_beside_its_body() -> None:
    body = orjson.dumps(CALL)
    assert posted(body) == Posted(Request(1, "tools/call", CALL["params"]), body)


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (b"{", PARSE_ERROR, "The body is refused: "),
        (
            b'{"jsonrpc": "2.0", "method": "ping", "method": "tools/call", "id": 1}',
            PARSE_ERROR,
            "The body is refused: ",
        ),
        (b"[" * 100_000, PARSE_ERROR, "The body is refused: "),
        (b"{}", INVALID_REQUEST, "Not a JSON-RPC 2.0 message: "),
        (b"[]", INVALID_REQUEST, "Not a JSON-RPC 2.0 message: "),
    ],
)
def test_what_is_no_message_is_refused_with_json_rpc_s_own_code(body: bytes, code: int, text: str) -> None:
    with pytest.raises(BadMessage) as caught:
        posted(body)
    assert caught.value.code == code
    assert str(caught.value).startswith(text)


def test_a_body_of_another_type_is_not_read() -> None:
    with pytest.raises(RequestRefused):
        posted(orjson.dumps(CALL), b"text/plain")


@pytest.mark.parametrize("method", sorted(DECIDED_METHODS))
def test_a_request_is_decided_by_its_method_whatever_it_asks_for(method: str) -> None:
    for params in (None, {}, {"name": 1, "uri": [], "arguments": "x", "ref": None}):
        assert is_decided(Request(1, method, params))
        assert access_request_of(Request(1, method, params)) is not SESSION


@pytest.mark.parametrize(
    "message",
    [
        Request(1, "tools/list", None),
        Request(1, "initialize", None),
        Request(1, "nonsense", {"name": "echo"}),
        Notification("tools/call", {"name": "echo"}),
        Response(1, {}, None),
        None,
    ],
)
def test_what_is_no_such_request_asks_for_a_session(message: Any) -> None:
    assert message is None or not is_decided(message)
    assert access_request_of(message) is SESSION


def test_only_a_request_of_that_method_is_a_subscription() -> None:
    assert is_subscription(Request(1, "subscriptions/listen", {}))
    assert not is_subscription(Notification("subscriptions/listen", {}))
    assert not is_subscription(Request(1, "resources/subscribe", {}))
