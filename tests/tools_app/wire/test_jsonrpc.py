"""What is one JSON-RPC 2.0 message, and what is not."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tools_app.wire import jsonrpc
from tools_app.wire.jsonrpc import NotAMessage, Notification, Request, Response, read


def message(**members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", **members}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (message(id=1, method="m"), Request(1, "m", None)),
        (message(id="a", method="m", params={"x": 1}), Request("a", "m", {"x": 1})),
        (message(id=-5, method="m", params={}), Request(-5, "m", {})),
        (message(id="", method="m"), Request("", "m", None)),
        (message(method="m"), Notification("m", None)),
        (message(method="m", params={"x": 1}, extra=1), Notification("m", {"x": 1})),
        (message(id=1, result={}), Response(1, {}, None)),
        (message(id="a", error={"code": 1}), Response("a", None, {"code": 1})),
        (message(id="a", error={"code": 1}, result=None), Response("a", None, {"code": 1})),
    ],
)
def test_a_message_is_read(value: Any, expected: jsonrpc.Message) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        None, 1, "text", True, {}, {"id": 1, "method": "m"}, {"jsonrpc": "1.0", "id": 1, "method": "m"},
        {"jsonrpc": 2.0, "id": 1, "method": "m"},
        [], [message(id=1, method="m")],
        message(), message(id=1), message(id=1, method=""), message(id=1, method=None), message(id=1, method=7),
        message(id=1, method="m" * 257), message(id=None, method="m"), message(id=True, method="m"),
        message(id=1.5, method="m"), message(id=[1], method="m"), message(id={}, method="m"),
        message(id="x" * 257, method="m"), message(id=1, method="m", params=[1]), message(id=1, method="m", params="x"),
        message(method="m", params=0), message(id=1, result=1), message(id=1, error="no"), message(result={}),
        message(id=None, error={}), message(id=1, result={}, error={}),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(value: Any) -> None:
    with pytest.raises(NotAMessage):
        read(value)


@settings(deadline=None, max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error"]), inner, max_size=6
            )
        ),
    )
)
def test_any_json_is_a_message_or_refused(value: Any) -> None:
    for tried in (value, {**value, "jsonrpc": "2.0"} if isinstance(value, dict) else value):
        with suppress(NotAMessage):
            assert isinstance(read(tried), Request | Notification | Response)


def test_what_is_written_is_read_back() -> None:
    assert read(jsonrpc.request_of("w|1", "m", {"x": 1})) == Request("w|1", "m", {"x": 1})
    assert read(jsonrpc.notification_of("m", None)) == Notification("m", None)
    assert read(jsonrpc.result_of(7, {"x": 1})) == Response(7, {"x": 1}, None)
    assert read(jsonrpc.error_of(7, -1, "no", {"y": 2})) == Response(
        7, None, {"code": -1, "message": "no", "data": {"y": 2}}
    )


def test_an_error_without_data_or_id_says_so() -> None:
    assert jsonrpc.error_of(None, -32700, "no") == message(id=None, error={"code": -32700, "message": "no"})
