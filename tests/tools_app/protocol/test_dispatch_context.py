"""What one message sends back to its client: reports, log messages and questions."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from mcp.shared.exceptions import NoBackChannelError

from tools_app.client_requests.questions import Question
from tools_app.client_requests.replies import Replies
from tools_app.errors import ToolFailure
from tools_app.protocol.dispatch_context import MessageDispatch
from tools_app.protocol.exchange import BackChannel
from tools_app.sessions.session import McpSessionState
from tools_app.wire.jsonrpc import Request, Response

WAIT = 60.0
QUESTION = Question("elicitation/create", {"message": "Sure?"}, "elicitation")


class Client:
    """Receives what is sent to it. ``has_left``: nothing can be sent any more."""

    def __init__(self, *, has_left: bool = False, can_ask: bool = True) -> None:
        self.received: list[Mapping[str, Any]] = []
        self.has_left = has_left
        self.replies = Replies(lambda: "here")
        self.back_channel = BackChannel(self.receive, self.replies, can_ask)

    def receive(self, message: Mapping[str, Any]) -> bool:
        self.received.append(message)
        return not self.has_left

    def dispatch(self, params: Mapping[str, Any] | None = None, **session: Any) -> MessageDispatch:
        fields = {"protocol_version": "2025-11-25", "capabilities": {"elicitation": {}}, **session}
        state = McpSessionState("key", ("issuer", "alice", "app"), "tests", 2**40, **fields)
        return MessageDispatch(state, self.back_channel, Request(1, "tools/call", params))


def test_progress_is_reported_to_whoever_gave_a_token_for_it() -> None:
    client = Client()
    client.dispatch().report(1, 2, "half")
    assert client.received == []
    client.dispatch({"_meta": {"progressToken": "t"}}).report(1, 2, None)
    (message,) = client.received
    assert message["method"] == "notifications/progress"
    assert message["params"] == {"progressToken": "t", "progress": 1, "total": 2}


def test_log_messages_of_the_session_s_level_and_above_are_sent() -> None:
    client = Client()
    dispatch = client.dispatch(log_level="warning")
    dispatch.log("info", "little")
    dispatch.log("error", "much")
    assert [message["params"] for message in client.received] == [{"level": "error", "data": "much"}]


async def test_what_a_function_says_after_its_end_is_not_sent() -> None:
    client = Client()
    dispatch = client.dispatch({"_meta": {"progressToken": "t"}})
    dispatch.close()
    dispatch.report(1, 2, "late")
    dispatch.log("error", "late")
    with pytest.raises(ToolFailure):
        await dispatch.ask(QUESTION)
    assert client.received == []


@pytest.mark.parametrize(
    ("version", "params"),
    [("2025-11-25", {"message": "Sure?", "mode": "form"}), ("2025-06-18", {"message": "Sure?"})],
)
def test_a_question_is_answered_by_the_reply_to_it(version: str, params: Any) -> None:
    client = Client()

    async def ask() -> Mapping[str, Any]:
        asking = asyncio.ensure_future(client.dispatch(protocol_version=version).ask(QUESTION))
        await asyncio.sleep(0)
        (question,) = client.received
        assert question["params"] == params
        client.replies.deliver("key", Response(question["id"], {"action": "accept"}, None))
        return await asyncio.wait_for(asking, WAIT)

    assert asyncio.run(ask()) == {"action": "accept"}


@pytest.mark.parametrize(
    ("client", "capabilities", "text"),
    [
        (Client(), {}, "cannot be asked"),
        (Client(can_ask=False), {"elicitation": {}}, "cannot be asked"),
        (Client(has_left=True), {"elicitation": {}}, "was not answered"),
    ],
)
def test_a_client_that_cannot_answer_fails_the_tool(client: Client, capabilities: Any, text: str) -> None:
    with pytest.raises(ToolFailure, match=text):
        asyncio.run(client.dispatch(capabilities=capabilities).ask(QUESTION))


def test_the_sdk_is_told_that_there_is_no_way_back() -> None:
    with pytest.raises(NoBackChannelError):
        asyncio.run(Client(can_ask=False).dispatch().send_raw_request("ping", None))


def test_a_message_that_is_served_waits_for_no_more_replies() -> None:
    async def close() -> None:
        dispatch = Client().dispatch()
        asking = asyncio.ensure_future(dispatch.ask(QUESTION))
        await asyncio.sleep(0)
        dispatch.close()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asking, WAIT)

    asyncio.run(close())
