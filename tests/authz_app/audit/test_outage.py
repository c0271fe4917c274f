"""The trace of an outage: when it begins and ends, and what it tells."""

import json
import logging

import pytest
from django.db import OperationalError

from authz_app.audit.events import Event
from authz_app.audit.outage import CALM, OutageWatch
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock, caplog: pytest.LogCaptureFixture) -> OutageWatch:
    caplog.set_level(logging.WARNING)
    return OutageWatch("worker-1", clock)


def details_of(event: Event | None) -> dict[str, object]:
    assert event is not None
    details: dict[str, object] = json.loads(event.details)
    return details


def test_all_is_well_until_something_fails(watch: OutageWatch, caplog: pytest.LogCaptureFixture) -> None:
    watch.worked(5)
    watch.lost(1)
    watch.left(1)
    watch.over()
    assert (watch.is_on, watch.trace(at_once=True), watch.in_words()) == (False, None, "")
    assert caplog.records == []


def test_one_that_comes_and_goes_is_one_outage(
    watch: OutageWatch, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10):
        watch.failed(OperationalError("the disk is full\nDETAIL: more"), 2)
        clock.now += CALM - 0.1
        watch.worked(1)
        assert watch.trace() is None
    clock.now += 0.2
    trace = watch.trace()
    assert trace is not None and trace.worker == "worker-1"
    details = details_of(trace)
    assert (details["cause"], details["calls_refused"], details["outcomes_kept"]) == ("the disk is full", 20, 10)
    assert watch.is_on, "it is not over before that is written"
    watch.over()
    assert not watch.is_on
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_it_has_ended_when_something_was_written_and_not_when_that_was_noticed(
    watch: OutageWatch, clock: Clock
) -> None:
    watch.failed(OperationalError("gone"), 0)
    watch.worked(0)
    clock.now += CALM
    first = details_of(watch.trace())
    clock.now += 100
    watch.worked(0)
    assert details_of(watch.trace())["until"] == first["until"]


def test_what_the_database_says_is_worth_more_than_that_it_took_long(watch: OutageWatch) -> None:
    watch.late(5.0)
    assert details_of(watch.trace(at_once=True))["cause"] == "not written within 5 seconds"
    watch.failed(OperationalError("canceling statement due to statement timeout"), 0)
    watch.late(5.0)
    watch.failed(OperationalError("something else"), 0)
    details = details_of(watch.trace(at_once=True))
    assert (details["cause"], details["calls_refused"]) == ("canceling statement due to statement timeout", 2)


def test_a_secret_in_the_cause_is_taken_out(watch: OutageWatch, caplog: pytest.LogCaptureFixture) -> None:
    watch.failed(OperationalError("no access: postgres://mcp:hunter2-hunter2@db/mcp"), 1)
    trace = watch.trace(at_once=True)
    assert trace is not None
    assert "hunter2" not in trace.details + watch.in_words() + caplog.text


def test_a_worker_that_stops_leaves_a_line(watch: OutageWatch, caplog: pytest.LogCaptureFixture) -> None:
    watch.failed(OperationalError("gone"), 3)
    watch.lost(2)
    watch.left(4)
    assert "Calls refused: 3; outcomes lost: 6." in caplog.text
