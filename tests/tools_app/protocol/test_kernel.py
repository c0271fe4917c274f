"""What is kept of what a client says of itself."""

import asyncio
from typing import Any

import pytest

from authz_app.policy.principal import Principal
from tests.callers import caller_for, dependencies
from tests.raw_sse import INITIALIZE
from tools_app.client_requests.replies import Replies
from tools_app.protocol import kernel
from tools_app.protocol.exchange import BackChannel
from tools_app.sessions.session import McpSessionState
from tools_app.wire.jsonrpc import Request

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = 60.0
ALICE = Principal("https://issuer.example/", "alice", "app", frozenset(), 2**40)


def initialized(**told: Any) -> McpSessionState:
    """The session as it is after an initialize request that says this."""
    request = Request(1, "initialize", {**INITIALIZE, **told})
    back_channel = BackChannel(lambda message: True, Replies(lambda: ""))
    with dependencies() as here:
        new = McpSessionState("key", ALICE.owner, "tests", 2**40)
        serving = kernel.serve_request(request, new, back_channel, caller_for(ALICE), here)
        return asyncio.run(asyncio.wait_for(serving, WAIT)).session


def test_a_session_is_small_whatever_its_client_says_of_itself() -> None:
    much = {"x": {"y": "z" * 400_000}}
    session = initialized(
        clientInfo={"name": "n" * 200_000, "version": "v" * 200_000, "title": "t" * 200_000},
        capabilities={"experimental": much, "elicitation": {"form": much}, "sampling": {"tools": much, **much}, **much},
    )
    assert session.protocol_version == INITIALIZE["protocolVersion"]
    assert len(session.stored()) < 1_000


@pytest.mark.parametrize("capabilities", [{}, {"elicitation": {}}, {"elicitation": {"url": {}}, "sampling": {}}])
def test_a_session_knows_what_its_client_can_be_asked(capabilities: Any) -> None:
    assert initialized(capabilities={**capabilities, "roots": {"listChanged": True}}).capabilities == capabilities
