"""The requests that are being answered: counted, found and cancelled by session and id."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tools_app.sessions.session import SESSION_ENDED
from tools_app.worker.in_flight import InFlight

WAIT = 60.0
Start = Callable[[], "asyncio.Task[Any]"]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start tasks that go on until they are cancelled."""
    tasks: list[asyncio.Task[Any]] = []

    def begin() -> asyncio.Task[Any]:
        tasks.append(asyncio.ensure_future(asyncio.Event().wait()))
        return tasks[-1]

    yield begin
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=WAIT)


async def ended(*tasks: "asyncio.Task[Any]") -> None:
    await asyncio.wait(tasks, timeout=WAIT)
    assert all(task.cancelled() for task in tasks)


async def test_a_request_is_in_flight_until_it_is_done(start: Start) -> None:
    requests, task = InFlight(), start()
    requests.add("s", 1, task)
    assert (requests.count("s"), requests.has("s", 1)) == (1, True)
    task.cancel()
    await ended(task)
    await asyncio.sleep(0)
    assert (requests.count("s"), requests.has("s", 1)) == (0, False)
    assert requests._tasks == {}


async def test_a_number_and_a_text_are_different_ids(start: Start) -> None:
    requests, number, text = InFlight(), start(), start()
    requests.add("s", 1, number)
    requests.add("s", "1", text)
    assert requests.count("s") == 2
    requests.cancel("s", "1")
    await ended(text)
    assert not number.done()


async def test_another_session_cannot_cancel_a_request(start: Start) -> None:
    requests, task = InFlight(), start()
    requests.add("mine", 1, task)
    requests.cancel("another", 1)
    requests.cancel_session("another")
    await asyncio.sleep(0)
    assert not task.done() and not task.cancelling()
    assert not requests.has("another", 1)


async def test_cancelling_what_is_not_there_does_nothing() -> None:
    InFlight().cancel("s", 1)
    InFlight().cancel_session("s")


async def test_a_session_s_requests_are_cancelled_together(start: Start) -> None:
    requests, tasks, other = InFlight(), [start() for _ in range(3)], start()
    for number, task in enumerate(tasks):
        requests.add("s", number, task)
    requests.add("other", 0, other)
    requests.cancel_session("s")
    await ended(*tasks)
    await asyncio.sleep(0)
    assert (requests.count("s"), requests.count("other")) == (0, 1)


async def test_a_request_that_is_cancelled_before_it_has_begun_still_says_what_becomes_of_it() -> None:
    """Its client would wait for ever, and its session would count it for as long as it lasts."""
    requests, told = InFlight(), []

    async def answer() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as cancelled:
            told.append(cancelled.args)
            raise

    one, other = asyncio.ensure_future(answer()), asyncio.ensure_future(answer())
    requests.add("s", 1, one)
    requests.add("t", 1, other)
    assert requests.cancel("s", 1)
    requests.cancel_session("t")
    await ended(one, other)
    assert told == [(), (SESSION_ENDED,)]
