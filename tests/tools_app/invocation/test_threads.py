"""Threads for plain functions, never queued for, and for the plain code of async ones: bounded, and given back.

Covers: tools_app.invocation.thread_connections
"""

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from django.db import connection, connections, transaction

from authz_app.models import Client
from tests.eventually import wait_until
from tools_app.errors import ToolBusy
from tools_app.invocation.threads import CallThread, ToolThreads

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


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_a_function_leaves_open_ends_with_its_call() -> None:
    one = ToolThreads(1)

    def begin() -> None:
        transaction.atomic().__enter__()
        Client.objects.create(issuer="i", subject="left", first_seen=None, last_seen=None)

    def count() -> int:
        return Client.objects.filter(subject="left").count()

    one.submit(begin, {}).result(WAIT)
    assert one.submit(count, {}).result(WAIT) == 0
    one.stop()


def names(threads: ToolThreads, call: CallThread, times: int = 3) -> set[str]:
    return {call.submit(lambda: threading.current_thread().name).result(WAIT) for _ in range(times)}


def test_all_plain_code_of_one_call_runs_in_one_thread(threads: ToolThreads) -> None:
    first, second = threads.for_async_call(), threads.for_async_call()
    pieces = [call.submit(lambda: threading.current_thread().name) for _ in range(5) for call in (first, second)]
    mine, others = ({piece.result(WAIT) for piece in pieces[at::2]} for at in (0, 1))
    assert len(mine) == len(others) == 1
    assert mine != others


def test_calls_share_threads_when_there_are_more_calls_than_threads(threads: ToolThreads) -> None:
    calls = [threads.for_async_call() for _ in range(20)]
    used = [names(threads, call) for call in calls]
    assert all(len(one) == 1 for one in used)
    assert len(set.union(*used)) == 2


def test_a_call_waits_for_the_first_thread_that_is_free(threads: ToolThreads, gate: threading.Event) -> None:
    other = threading.Event()
    long, short, late = (threads.for_async_call() for _ in range(3))
    long.submit(gate.wait, WAIT)
    brief = short.submit(other.wait, WAIT)
    waiting = late.submit(lambda: "ran")
    assert not waiting.done()
    other.set()
    assert brief.result(WAIT)
    assert waiting.result(WAIT) == "ran"


def test_a_thread_is_given_back_when_its_call_has_ended(threads: ToolThreads) -> None:
    used = set()
    for _ in range(5):
        call = threads.for_async_call()
        used |= names(threads, call)
        call.end()
        wait_until(lambda call=call: call.thread is None)  # type: ignore[misc]
    assert used == {"tool-async-1"}


def test_what_is_left_behind_runs_and_gives_its_thread_back(threads: ToolThreads) -> None:
    call = threads.for_async_call()
    call.end()
    assert call.submit(lambda: "late").result(WAIT) == "late"
    wait_until(lambda: call.thread is None)


def test_plain_code_that_nobody_waits_for_any_more_does_not_begin(threads: ToolThreads, gate: threading.Event) -> None:
    calls = [threads.for_async_call() for _ in range(3)]
    for call in calls[:2]:
        call.submit(gate.wait, WAIT)
    ran: list[str] = []
    never = calls[2].submit(ran.append, "never")
    behind = calls[0].submit(ran.append, "neither")
    assert never.cancel()
    assert behind.cancel()
    gate.set()
    assert calls[2].submit(lambda: "goes on").result(WAIT) == "goes on"
    assert ran == []


@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_plain_code_raises_reaches_who_waits_and_nobody_else(
    threads: ToolThreads, error: type[BaseException]
) -> None:
    def explode() -> None:
        raise error

    async def wait() -> None:
        async with asyncio.timeout(WAIT):
            await threads.for_async_call().run(explode)

    with pytest.raises((error, RuntimeError)):
        asyncio.run(wait())
    assert names(threads, threads.for_async_call())


@pytest.mark.django_db(transaction=True)
def test_while_a_transaction_is_open_other_calls_wait_for_its_thread() -> None:
    one = ToolThreads(1)
    writing, reading = one.for_async_call(), one.for_async_call()
    atomic = transaction.atomic()
    count = Client.objects.filter(subject="held").count
    assert reading.submit(count).result(WAIT) == 0
    writing.submit(atomic.__enter__).result(WAIT)
    writing.submit(Client.objects.create, issuer="i", subject="held").result(WAIT)
    seen = reading.submit(count)
    late = one.for_async_call()
    seen_late = late.submit(count)
    assert writing.submit(count).result(WAIT) == 1
    assert not seen.done()
    assert not seen_late.done()
    writing.submit(atomic.__exit__, None, None, None).result(WAIT)
    assert seen.result(WAIT) == seen_late.result(WAIT) == 1
    one.stop()


@pytest.mark.django_db(transaction=True)
def test_the_connection_of_an_async_call_is_closed_at_its_end(threads: ToolThreads) -> None:
    call = threads.for_async_call()
    call.submit(Client.objects.count).result(WAIT)
    used = call.submit(lambda: connections["default"]).result(WAIT)
    assert used.connection is not None
    call.end()
    wait_until(lambda: used.connection is None)


def test_threads_that_stop_begin_nothing_more(gate: threading.Event) -> None:
    one = ToolThreads(1)
    call = one.for_async_call()
    call.submit(gate.wait, WAIT)
    pending = [call.submit(lambda: None), one.for_async_call().submit(lambda: None)]
    one.stop()
    assert all(piece.cancelled() for piece in pending)
