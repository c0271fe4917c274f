"""Questions to clients, and who may answer them."""

import asyncio

import pytest
from mcp.shared.exceptions import MCPError

from tools_app.client_requests.replies import Replies
from tools_app.wire.jsonrpc import Response

WAIT = 60.0


async def test_a_reply_of_the_session_that_was_asked_is_delivered() -> None:
    replies = Replies(lambda: "worker-1")
    request_id, reply = replies.expect("mine")
    assert replies.deliver("mine", Response(request_id, {"action": "accept"}, None))
    async with asyncio.timeout(WAIT):
        assert await reply == {"action": "accept"}


async def test_a_reply_of_another_session_is_ignored() -> None:
    replies = Replies(lambda: "worker-1")
    request_id, reply = replies.expect("mine")
    assert not replies.deliver("another", Response(request_id, {"action": "accept"}, None))
    assert not reply.done()
    assert replies.deliver("mine", Response(request_id, {"action": "decline"}, None))
    assert (await reply)["action"] == "decline"


@pytest.mark.parametrize("request_id", ["worker-1|0", "", 0, -1, "|"])
async def test_a_reply_that_nobody_waits_for_is_ignored(request_id: str | int) -> None:
    replies = Replies(lambda: "worker-1")
    replies.expect("")
    assert not replies.deliver("", Response(request_id, {}, None))


async def test_only_the_first_reply_counts() -> None:
    replies = Replies(lambda: "worker-1")
    request_id, reply = replies.expect("mine")
    assert replies.deliver("mine", Response(request_id, {"n": 1}, None))
    assert not replies.deliver("mine", Response(request_id, {"n": 2}, None))
    assert await reply == {"n": 1}


async def test_a_reply_after_the_question_was_given_up_is_ignored() -> None:
    replies = Replies(lambda: "worker-1")
    request_id, reply = replies.expect("mine")
    reply.cancel()
    assert not replies.deliver("mine", Response(request_id, {}, None))
    await asyncio.sleep(0)
    assert replies._waiting == {}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"message": "No."}, "No."),
        ({"message": "x" * 9_999}, "x" * 500),
        ({"message": 7}, "The client refused."),
        ({}, "The"),
    ],
)
async def test_an_error_of_the_client_is_raised_in_its_words(error: dict[str, object], told: str) -> None:
    replies = Replies(lambda: "worker-1")
    request_id, reply = replies.expect("mine")
    replies.deliver("mine", Response(request_id, None, error))
    with pytest.raises(MCPError) as caught:
        await reply
    assert caught.value.error.message.startswith(told)
    assert len(caught.value.error.message) <= 500


async def test_the_id_of_a_question_names_the_worker_that_waits_and_is_no_guess() -> None:
    replies = Replies(lambda: "host-7-ab")
    ids = {replies.expect("mine")[0] for _ in range(100)}
    assert len(ids) == 100
    assert {Replies.address_of(Response(request_id, {}, None)) for request_id in ids} == {"host-7-ab"}
