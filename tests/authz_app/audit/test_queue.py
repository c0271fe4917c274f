"""What is taken together: alone at once, and under load as many as came together before, but not for long."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from authz_app.audit import queue
from authz_app.audit.entries import LimitedOpening, Undelivered
from authz_app.audit.queue import QueueItem, WriteQueue
from authz_app.audit.waiting import PendingOpening
from authz_app.core.ids import uuid7
from tests.authz_app.audit.openings import an_opening
from tests.eventually import wait_until

LONG = 30.0


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def an_opening_that_waits(loop: asyncio.AbstractEventLoop, *, abandoned: bool = False) -> PendingOpening:
    return PendingOpening(LimitedOpening(an_opening(1)), loop, loop.create_future(), LONG, abandoned)


def taken_together(write_queue: WriteQueue, loop: asyncio.AbstractEventLoop, count: int) -> list[QueueItem]:
    for _ in range(count):
        write_queue.put(an_opening_that_waits(loop))
    return write_queue.take(LONG)


def put_one_by_one(write_queue: WriteQueue, items: list[PendingOpening]) -> threading.Thread:
    def put() -> None:
        for item in items:
            write_queue.put(item)
            wait_until(write_queue.is_empty, what="the last one to be taken")

    thread = threading.Thread(target=put)
    thread.start()
    return thread


def test_what_is_there_is_taken_in_order(loop: asyncio.AbstractEventLoop) -> None:
    write_queue = WriteQueue()
    items: list[QueueItem] = [Undelivered(uuid7()), an_opening_that_waits(loop), threading.Event(), None]
    for item in items:
        write_queue.put(item)
    assert write_queue.take(LONG) == items
    assert write_queue.is_empty()


def test_nothing_comes_of_waiting_in_vain() -> None:
    assert WriteQueue().take(0.01) == []


def test_what_nobody_waits_for_any_more_takes_no_place(loop: asyncio.AbstractEventLoop) -> None:
    write_queue = WriteQueue()
    first, gone, last = (an_opening_that_waits(loop, abandoned=abandoned) for abandoned in (False, True, False))
    for item in (first, gone, last):
        write_queue.put(item)
    assert write_queue.take(LONG) == [first, last]


def test_a_group_has_no_more_than_it_may(loop: asyncio.AbstractEventLoop) -> None:
    write_queue = WriteQueue()
    assert len(taken_together(write_queue, loop, queue.GROUP + 10)) == queue.GROUP
    assert len(write_queue.take(LONG)) == 10


def test_as_many_as_came_together_are_awaited(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_COMPANION_WAIT", LONG)
    write_queue = WriteQueue()
    taken_together(write_queue, loop, 5)
    again = [an_opening_that_waits(loop) for _ in range(5)]
    thread = put_one_by_one(write_queue, again)
    assert write_queue.take(LONG) == again
    thread.join()


def test_they_are_awaited_also_after_one_that_came_alone(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_queue = WriteQueue()
    taken_together(write_queue, loop, 5)
    taken_together(write_queue, loop, 1)
    monkeypatch.setattr(queue, "_COMPANION_WAIT", LONG)
    again = [an_opening_that_waits(loop) for _ in range(5)]
    thread = put_one_by_one(write_queue, again)
    assert write_queue.take(LONG) == again
    thread.join()


def test_nobody_is_awaited_for_long(loop: asyncio.AbstractEventLoop) -> None:
    write_queue = WriteQueue()
    taken_together(write_queue, loop, 5)
    assert len(taken_together(write_queue, loop, 1)) == 1
    assert len(taken_together(write_queue, loop, 2)) == 2


def test_whoever_calls_alone_awaits_nobody(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    write_queue = WriteQueue()
    for count in (5, 1, 1):
        taken_together(write_queue, loop, count)
    monkeypatch.setattr(queue, "_COMPANION_WAIT", 1_000 * LONG)
    assert len(taken_together(write_queue, loop, 1)) == 1


def test_to_stop_awaits_no_calls(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    write_queue = WriteQueue()
    taken_together(write_queue, loop, 5)
    monkeypatch.setattr(queue, "_COMPANION_WAIT", 1_000 * LONG)
    write_queue.put(None)
    assert write_queue.take(LONG) == [None]
