"""Threads for plain functions: bounded, never queued for, and given back."""

import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from django.db import connection, connections

from tools_app.errors import ToolBusy
from tools_app.invocation.threads import ToolThreads

WAIT = 60.0
asked_by: ContextVar[str] = ContextVar("asked_by", default="nobody")


@pytest.fixture
def threads() -> Iterator[ToolThreads]:
    two = ToolThreads(2)
    yield two
    two.stop()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    opened = threading.Event()
    yield opened
    opened.set()


def test_a_function_runs_in_another_thread_with_its_arguments(threads: ToolThreads) -> None:
    name = threads.submit(lambda prefix: prefix + threading.current_thread().name, {"prefix": "in "}).result(WAIT)
    assert name.startswith("in tool")


def test_a_function_sees_the_context_of_its_caller(threads: ToolThreads) -> None:
    token = asked_by.set("alice")
    try:
        assert threads.submit(asked_by.get, {}).result(WAIT) == "alice"
    finally:
        asked_by.reset(token)
    assert threads.submit(asked_by.get, {}).result(WAIT) == "nobody"


def test_when_every_thread_is_taken_the_next_call_is_refused_at_once(
    threads: ToolThreads, gate: threading.Event
) -> None:
    running = [threads.submit(gate.wait, {"timeout": WAIT}) for _ in range(2)]
    with pytest.raises(ToolBusy, match="All 2 threads for tools are busy"):
        threads.submit(gate.wait, {"timeout": WAIT})
    gate.set()
    assert all(future.result(WAIT) for future in running)
    assert threads.submit(lambda: "free again", {}).result(WAIT) == "free again"


def test_a_function_that_raises_gives_its_thread_back(threads: ToolThreads) -> None:
    def explode() -> None:
        raise OSError("boom")

    for _ in range(5):
        with pytest.raises(OSError, match="boom"):
            threads.submit(explode, {}).result(WAIT)


def test_a_running_function_cannot_be_cancelled_and_counts_until_it_returns(gate: threading.Event) -> None:
    one = ToolThreads(1)
    started = threading.Event()

    def run() -> None:
        started.set()
        gate.wait(WAIT)

    running = one.submit(run, {})
    assert started.wait(WAIT)
    assert not running.cancel()
    with pytest.raises(ToolBusy):
        one.submit(run, {})
    gate.set()
    running.result(WAIT)
    one.stop()


def test_a_call_cancelled_before_its_thread_took_it_up_gives_its_place_back(gate: threading.Event) -> None:
    one = ToolThreads(1)
    ended = threading.Event()

    def linger(_: Any) -> None:
        ended.set()
        gate.wait(WAIT)

    # The thread is done with the first function, and not yet ready for another.
    hold = threading.Event()
    first = one.submit(hold.wait, {"timeout": WAIT})
    first.add_done_callback(linger)
    hold.set()
    assert ended.wait(WAIT)
    second = one.submit(lambda: "never", {})
    assert second.cancel()
    third = one.submit(lambda: "ran", {})
    gate.set()
    assert third.result(WAIT) == "ran"
    one.stop()


@pytest.mark.django_db(transaction=True)
def test_a_function_s_database_connections_are_closed_when_it_ends(threads: ToolThreads) -> None:
    used: list[Any] = []

    def query() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        used.append(connections["default"])
        assert used[0].connection is not None

    threads.submit(query, {}).result(WAIT)
    assert used[0].connection is None
