"""What workers deliver to each other's sessions: nothing twice, nothing for strangers, nothing that was given up."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from tests.eventually import eventually
from tests.tools_app.connected import Join, opened, read
from tools_app.cluster import outbox
from tools_app.sessions.session import Lease, McpSessionState
from tools_app.streams.event_stream import message_event
from tools_app.wire.jsonrpc import Response
from tools_app.worker.worker import Worker

# What ends a session is written.
pytestmark = pytest.mark.django_db(transaction=True)

WAIT = 60.0


def message(number: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "m", "params": {"n": number}}


def numbers(sent: Sequence[bytes]) -> list[int]:
    return [json.loads(data)["params"]["n"] for data in sent]


async def give(here: Worker, there: Worker, *items: tuple[int, bytes], key: str = "k", sender: str = "") -> None:
    """Send a batch as a worker does: number and request answered, for each delivery."""
    batch = [[number, key, message_event(message(number)), answers, b""] for number, answers in items]
    batch_message = {"type": "deliveries", "from": sender or there.workers.channel, "items": batch}
    await there.workers.tell(here.workers.channel, batch_message)


async def test_what_another_worker_sends_reaches_the_stream_in_order(join: Join) -> None:
    here, there = await join(), await join()
    session, stream = await opened(here)
    for number in range(100):
        there.delivery.send(session, message(number))
    sent: list[int] = []
    while len(sent) < 100:
        sent += numbers(
            [line[6:] for line in (await stream.stream.next() or b"").splitlines() if line[:6] == b"data: "]
        )
    assert sent == list(range(100))
    assert stream.received == 100


async def test_a_batch_that_comes_twice_is_delivered_once(join: Join) -> None:
    here, there = await join(), await join()
    _, stream = await opened(here)
    await give(here, there, (1, b""), (2, b""))
    await give(here, there, (1, b""), (2, b""))
    await give(here, there, (2, b""), (3, b""))
    assert numbers(await read(stream, 3)) == [1, 2, 3]
    # All are counted, as the session's state counts them where they were sent.
    assert stream.received == 6


async def test_the_numbers_of_one_worker_say_nothing_of_another_s(join: Join) -> None:
    here, there = await join(), await join()
    _, stream = await opened(here)
    await give(here, there, (5, b""), sender="one")
    await give(here, there, (5, b""), sender="other")
    await give(here, there, (4, b""), sender="one")
    await give(here, there, (6, b""), sender="other")
    assert numbers(await read(stream, 3)) == [5, 5, 6]


async def test_what_is_for_a_stream_that_is_not_here_is_dropped(join: Join) -> None:
    here, there = await join(), await join()
    _, stream = await opened(here)
    await give(here, there, (1, b""), key="another")
    await give(here, there, (2, b""))
    assert numbers(await read(stream, 1)) == [2]


async def test_a_batch_of_nothing_that_travels_is_taken(join: Join) -> None:
    here, there = await join(), await join()
    _, stream = await opened(here)
    await give(here, there)
    await give(here, there, (1, b""))
    assert numbers(await read(stream, 1)) == [1]


async def test_the_answer_to_a_request_that_was_given_up_is_dropped_and_what_else_comes_is_not(join: Join) -> None:
    here, there = await join(), await join()
    _, stream = await opened(here)
    stream.given_up.add(b"7")
    await give(here, there, (1, b""), (2, b"7"), (3, b'"7"'), (4, b"8"))
    assert numbers(await read(stream, 3)) == [1, 3, 4]
    assert stream.received == 4


async def test_what_another_worker_learnt_of_a_client_is_known_here_before_its_answer_is_sent(join: Join) -> None:
    here, there = await join(), await join()
    session, stream = await opened(here)
    learnt = replace(session, protocol_version="2025-11-25", client_info={"name": "x"})
    await there.sessions.update(learnt)
    there.delivery.send(learnt, message(1), answers=1, learnt=True)
    await read(stream, 1)
    accepted = await here.sessions.accept("k", session.owner, None)
    assert accepted is not None and accepted.session == learnt


async def test_what_a_client_says_of_itself_moves_neither_its_owner_nor_its_key(join: Join) -> None:
    session = McpSessionState("k", ("i", "s", "c"), "w", 1.0)
    forged = json.dumps({**json.loads(session.stored()), "key": "another"}).encode()
    assert McpSessionState.read("k", forged) == session


@pytest.mark.parametrize("through", [0, 1, 2])
async def test_a_reply_reaches_the_worker_that_asked(join: Join, through: int) -> None:
    workers = [await join() for _ in range(3)]
    session, _ = await opened(workers[0])
    request_id, reply = workers[1].replies.expect("k")
    await workers[through].delivery.reply(session, Response(request_id, {"action": "accept"}, None))
    async with asyncio.timeout(WAIT):
        assert await reply == {"action": "accept"}


async def test_an_error_of_the_client_reaches_the_worker_that_asked(join: Join) -> None:
    here, there = await join(), await join()
    session, _ = await opened(here)
    request_id, reply = there.replies.expect("k")
    await here.delivery.reply(session, Response(request_id, None, {"code": 1, "message": "No."}))
    async with asyncio.timeout(WAIT):
        with pytest.raises(MCPError, match="No."):
            await reply


async def test_a_reply_of_another_session_or_with_another_id_is_ignored(join: Join) -> None:
    here, there = await join(), await join()
    session, _ = await opened(here)
    foreign, _ = await opened(here, "foreign", ("i", "mallory", "c"))
    request_id, reply = there.replies.expect("k")
    channel = there.workers.channel
    await here.delivery.reply(foreign, Response(request_id, {"n": 1}, None))
    for forged in (
        f"{channel}|",
        channel,
        f"{channel}|{'0' * 16}",
        f"{request_id}0",
        f"{request_id}|x",
        request_id.upper(),
    ):
        await here.delivery.reply(session, Response(forged, {"n": 2}, None))
    await here.delivery.reply(session, Response(request_id, {"n": 3}, None))
    async with asyncio.timeout(WAIT):
        assert await reply == {"n": 3}


async def test_a_message_that_does_not_arrive_ends_the_session(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.1)
    here, there = await join(), await join()
    session, _ = await opened(here)
    await here.workers.leave()
    there.delivery.send(session, message(1))
    await eventually(lambda: there.sessions.accept("k", session.owner, None), equals=None)


async def test_a_request_that_is_given_up_is_free_again_and_its_session_misses_nothing(join: Join) -> None:
    here, there = await join(), await join()
    session, stream = await opened(here)
    await there.sessions.accept("k", session.owner, 7)
    there.delivery.give_up(session, 7)

    async def lease_without_requests() -> Lease | None:
        lease = (await here.sessions.renew(["k"]))["k"]
        return None if lease.elsewhere else lease

    lease = await eventually(lease_without_requests)
    assert (lease.sent, stream.received, stream.stream.ended) == (0, 0, "")


async def test_a_message_of_a_kind_nobody_knows_is_ignored(join: Join) -> None:
    here, there = await join(), await join()
    _, stream = await opened(here)
    await there.workers.tell(here.workers.channel, {"type": "of another version", "session": "k"})
    await give(here, there, (1, b""))
    assert numbers(await read(stream, 1)) == [1]
