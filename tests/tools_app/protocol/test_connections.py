"""The SDK's connection that a message is served on."""

from dataclasses import replace
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import UNSUPPORTED_PROTOCOL_VERSION

from tools_app.client_requests.replies import Replies
from tools_app.protocol.connections import connection_for, prepared
from tools_app.protocol.dispatch_context import MessageDispatch
from tools_app.protocol.exchange import BackChannel
from tools_app.sessions.session import McpSessionState
from tools_app.wire.jsonrpc import Request

SOFTWARE = {"name": "tests", "version": "1"}
NEW = McpSessionState("key", ("issuer", "alice", "app"), "tests", 2**40)
INITIALIZED = replace(NEW, protocol_version="2025-11-25", client_info=SOFTWARE, capabilities={"sampling": {}})
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": SOFTWARE,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def connection(session: McpSessionState, params: Any = None) -> tuple[Any, MessageDispatch]:
    request = Request(1, "tools/list", params)
    dispatch = MessageDispatch(session, BackChannel(lambda message: True, Replies(lambda: "")), request)
    return connection_for(request, session, dispatch), dispatch


def test_a_new_session_s_connection_waits_for_its_initialize_request() -> None:
    made, dispatch = connection(NEW)
    assert made.client_params is None
    assert made.outbound is dispatch


def test_messages_of_a_session_share_all_but_the_way_back() -> None:
    (first, first_dispatch), (second, second_dispatch) = connection(INITIALIZED), connection(INITIALIZED)
    assert first is not second
    assert first.client_params is second.client_params
    assert (first.outbound, second.outbound) == (first_dispatch, second_dispatch)
    assert first.protocol_version == "2025-11-25"


def test_a_session_is_prepared_anew_when_its_state_has_changed() -> None:
    changed = replace(INITIALIZED, client_info={"name": "other", "version": "2"})
    assert prepared(INITIALIZED) is prepared(INITIALIZED)
    assert (prepared(INITIALIZED).software, prepared(changed).software) == ("tests 1", "other 2")


def test_a_message_with_an_envelope_is_served_by_that() -> None:
    made, _ = connection(INITIALIZED, {"_meta": ENVELOPE})
    assert made.protocol_version == "2026-07-28"


def test_an_envelope_of_a_version_that_is_not_spoken_is_refused() -> None:
    with pytest.raises(MCPError) as caught:
        connection(INITIALIZED, {"_meta": {**ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}})
    assert caught.value.error.code == UNSUPPORTED_PROTOCOL_VERSION
