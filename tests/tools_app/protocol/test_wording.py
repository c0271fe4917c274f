"""What is told of a request that failed: where it went wrong, what to do, and never a value.

Covers: tools_app.protocol.versions
"""

import logging

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import HEADER_MISMATCH, ErrorData
from mcp_types.methods import CLIENT_REQUESTS, validate_client_request
from pydantic import ValidationError

from tools_app.protocol.versions import SERVED_VERSIONS, unsupported_version
from tools_app.protocol.wording import error_data, reworded

SECRET = "hunter2-in-a-parameter"


def test_what_nobody_foresaw_is_in_the_log_under_what_the_caller_is_told(caplog: pytest.LogCaptureFixture) -> None:
    error = error_data(RuntimeError(SECRET), "tools/list")
    reference = error.data["reference"]
    assert error.code == -32603
    assert reference in error.message
    assert SECRET not in error.message
    (logged,) = caplog.records
    assert (logged.levelno, reference in logged.getMessage()) == (logging.ERROR, True)
    assert logged.exc_info is not None


@pytest.mark.parametrize(("method", "version"), sorted(CLIENT_REQUESTS))
def test_malformed_parameters_are_named_and_their_values_are_not(method: str, version: str) -> None:
    odd = {name: {SECRET[:5]: [SECRET]} for name in ("name", "uri", "cursor", "level", "ref", "argument", "_meta")}
    try:
        validate_client_request(method, version, odd)
    except ValidationError as invalid:
        error = error_data(invalid, method)
        assert error.message.startswith(f"What was sent is no {method} as MCP has it: params.")
        assert SECRET not in error.message
        assert len(error.message) < 800
        assert all(path.startswith("params") for path in error.data["params"])


@pytest.mark.parametrize(
    ("told", "then"),
    [
        (ErrorData(code=-32601, message="Method not found", data="tools/run"), "no method that is served here"),
        (ErrorData(code=-32602, message="Invalid request parameters", data=""), "send initialize first"),
        (ErrorData(code=-32022, message="Unsupported protocol version"), "Send one of: 2026-07-28"),
        (ErrorData(code=HEADER_MISMATCH, message="mcp-name header does not match"), "Send the same in both"),
        (ErrorData(code=-32603, message="Internal server error"), "its log has the reason"),
        (ErrorData(code=-32603, message="Handler returned an invalid result"), "its log has the reason"),
        (ErrorData(code=-32600, message="Body must be a single JSON-RPC request or notification object"), "Send one"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.message,
)
def test_the_sdk_s_words_become_a_sentence_once(told: ErrorData, then: str) -> None:
    once = reworded(told, "tools/run", "2025-11-25")
    assert (once.code, once.message.endswith(".")) == (told.code, True)
    assert then in once.message
    assert reworded(once, "tools/run", "2025-11-25").message == once.message


@pytest.mark.parametrize("text", ["No tool 'x' is available to you.", "kaputt", "Any words of a tool"])
def test_what_is_not_the_sdk_s_is_left_as_it_is(text: str) -> None:
    error = MCPError(-32602, text, {"a": 1})
    assert error_data(error, "tools/call") is error.error


def test_the_versions_that_are_served_are_named_with_the_newest_first() -> None:
    assert list(SERVED_VERSIONS) == sorted(SERVED_VERSIONS, reverse=True)
    assert all(version in unsupported_version() for version in SERVED_VERSIONS)
