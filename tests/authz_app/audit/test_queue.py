"""What is taken together: alone at once, and under load as many as came together before, but not for long."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from authz_app.audit import queue as intake
from authz_app.audit.entries import Undelivered, Within
from authz_app.audit.queue import Intake, Item, Waiting
from authz_app.core.ids import uuid7
from tests.authz_app.audit.openings import an_opening

LONG = 30.0


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def an_opening_that_waits(loop: asyncio.AbstractEventLoop, *, abandoned: bool = False) -> Waiting:
    return Waiting(Within(an_opening(1)), loop, loop.create_future(), LONG, abandoned)


def taken_together(here: Intake, loop: asyncio.AbstractEventLoop, count: int) -> list[Item]:
    for _ in range(count):
        here.put(an_opening_that_waits(loop))
    return here.take(LONG)


def put_one_by_one(here: Intake, items: list[Waiting]) -> threading.Thread:
    def put() -> None:
        for item in items:
            time.sleep(0.01)
            here.put(item)

    thread = threading.Thread(target=put)
    thread.start()
    return thread


def test_what_is_there_is_taken_in_order(loop: asyncio.AbstractEventLoop) -> None:
    here = Intake()
    items: list[Item] = [Undelivered(uuid7()), an_opening_that_waits(loop), threading.Event(), None]
    for item in items:
        here.put(item)
    assert here.take(LONG) == items
    assert here.is_empty()


def test_nothing_comes_of_waiting_in_vain() -> None:
    assert Intake().take(0.01) == []


def test_what_nobody_waits_for_any_more_takes_no_place(loop: asyncio.AbstractEventLoop) -> None:
    here = Intake()
    first, gone, last = (an_opening_that_waits(loop, abandoned=abandoned) for abandoned in (False, True, False))
    for item in (first, gone, last):
        here.put(item)
    assert here.take(LONG) == [first, last]


def test_a_group_has_no_more_than_it_may(loop: asyncio.AbstractEventLoop) -> None:
    here = Intake()
    assert len(taken_together(here, loop, intake.GROUP + 10)) == intake.GROUP
    assert len(here.take(LONG)) == 10


def test_as_many_as_came_together_are_awaited(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "_COMPANION_WAIT", LONG)
    here = Intake()
    taken_together(here, loop, 5)
    again = [an_opening_that_waits(loop) for _ in range(5)]
    thread = put_one_by_one(here, again)
    assert here.take(LONG) == again
    thread.join()


def test_they_are_awaited_also_after_one_that_came_alone(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Intake()
    taken_together(here, loop, 5)
    taken_together(here, loop, 1)
    monkeypatch.setattr(intake, "_COMPANION_WAIT", LONG)
    again = [an_opening_that_waits(loop) for _ in range(5)]
    thread = put_one_by_one(here, again)
    assert here.take(LONG) == again
    thread.join()


def test_nobody_is_awaited_for_long(loop: asyncio.AbstractEventLoop) -> None:
    here = Intake()
    taken_together(here, loop, 5)
    assert len(taken_together(here, loop, 1)) == 1
    assert len(taken_together(here, loop, 2)) == 2


def test_whoever_calls_alone_awaits_nobody(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Intake()
    for count in (5, 1, 1):
        taken_together(here, loop, count)
    monkeypatch.setattr(intake, "_COMPANION_WAIT", 1_000 * LONG)
    assert len(taken_together(here, loop, 1)) == 1


def test_to_stop_awaits_no_calls(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Intake()
    taken_together(here, loop, 5)
    monkeypatch.setattr(intake, "_COMPANION_WAIT", 1_000 * LONG)
    here.put(None)
    assert here.take(LONG) == [None]
