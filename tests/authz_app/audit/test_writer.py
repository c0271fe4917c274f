"""The writer of call records: groups, refusals, time limits, and no record with two fates.

Covers: authz_app.audit.entries, authz_app.audit.sql, authz_app.audit.sql_postgresql, authz_app.audit.sql_sqlite
Covers: authz_app.audit.waiting, authz_app.models.records
"""

import asyncio
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from authz_app.audit import writer
from authz_app.audit.entries import OPENING_COLUMNS, AuditUnavailable, Closing, Opening, Outcome
from authz_app.audit.waiting import UNAVAILABLE
from authz_app.audit.writer import AuditWriter
from authz_app.models import AuditEvent, CallRecord, Rule
from authz_app.policy_store.loading import stored_version
from tests.authz_app.audit.openings import an_opening
from tests.clock import Clock
from tests.eventually import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

WAIT = 60.0


@contextmanager
def writing(timeout: float = WAIT, clock: Callable[[], float] = time.monotonic) -> Iterator[AuditWriter]:
    # Commits that come late may: tests of that hold them up for longer than their callers wait.
    audit = AuditWriter(timeout, clock, patience=WAIT)
    try:
        yield audit
    finally:
        audit.stop(WAIT)


def opened(audit: AuditWriter, *openings: Opening) -> list[bool | BaseException]:
    """Open all at the same time; the result of each."""

    async def open_all() -> list[bool | BaseException]:
        async with asyncio.timeout(WAIT):
            return await asyncio.gather(*(audit.open(opening) for opening in openings), return_exceptions=True)

    return asyncio.run(open_all())


def openings(count: int, **fields: Any) -> list[Opening]:
    version = stored_version()
    return [an_opening(version, **fields) for _ in range(count)]


def close(audit: AuditWriter, opening: Opening, outcome: Outcome = Outcome.OK) -> None:
    audit.close(Closing(opening.id, outcome, 1.5, 10))


def outcomes() -> list[str]:
    return sorted(CallRecord.objects.values_list("outcome", flat=True))


@contextmanager
def another_connection() -> Iterator[Any]:
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


@contextmanager
def records_locked() -> Iterator[None]:
    """Nobody can write a record within the block."""
    with another_connection() as other, other.cursor() as cursor:
        if other.vendor == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
        else:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE authz_app_callrecord IN EXCLUSIVE MODE")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


@contextmanager
def refused(event: str, condition: str = "true", kind: str = "check_violation") -> Iterator[None]:
    """The database itself refuses the event (INSERT or UPDATE) on records for which the condition holds.

    ``kind`` says, on PostgreSQL, whether the fault is the row's own.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                f"CREATE TRIGGER refuse BEFORE {event} ON authz_app_callrecord WHEN {condition}"
                " BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        else:
            cursor.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{kind}'; END $$"
            )
            cursor.execute(
                f"CREATE TRIGGER refuse BEFORE {event} ON authz_app_callrecord"
                f" FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse()"
            )
        try:
            yield
        finally:
            cursor.execute("DROP TRIGGER refuse" if connection.vendor == "sqlite" else "DROP FUNCTION refuse CASCADE")


class CountedStatements:
    """The real statements, which note how many records each insert brings."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.begun = threading.Event()
        self._real = writer.statements_for(connection)

    def insert(self, cursor: Any, group: Sequence[Opening]) -> Any:
        self.groups.append(len(group))
        self.begun.set()
        return self._real.insert(cursor, group)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> CountedStatements:
    counting = CountedStatements()
    monkeypatch.setattr(writer, "statements_for", lambda connection: counting)
    return counting


def test_a_record_is_committed_as_it_was_opened() -> None:
    (opening,) = openings(1, tool="weather_tool", address="2001:db8::1", arguments='{"a": "ü\\n"}')
    with writing() as audit:
        assert opened(audit, opening) == [True]
        record = CallRecord.objects.get()
    for name in OPENING_COLUMNS:
        assert getattr(record, name) == getattr(opening, name), name
    assert (record.outcome, record.duration_ms, record.result_size, record.error) == ("", None, None, "")


def test_an_outcome_is_written_to_its_record() -> None:
    mine, other = openings(2)
    with writing() as audit:
        opened(audit, mine, other)
        audit.close(Closing(mine.id, Outcome.TOOL_ERROR, 12.5, 99, "No such city."))
        assert audit.flush(WAIT)
        record = CallRecord.objects.get(pk=mine.id)
    assert (record.outcome, record.duration_ms, record.result_size) == ("tool_error", 12.5, 99)
    assert record.error == "No such city."
    assert CallRecord.objects.get(pk=other.id).outcome == ""


def test_what_arrives_during_a_commit_shares_the_next_one(counted: CountedStatements) -> None:
    with writing() as audit:
        assert opened(audit, *openings(200)) == [True] * 200
    assert sum(counted.groups) == 200
    assert len(counted.groups) < 20


def test_a_lone_record_does_not_wait_for_others(counted: CountedStatements) -> None:
    with writing() as audit:
        for opening in openings(3):
            assert opened(audit, opening) == [True]
    assert counted.groups == [1, 1, 1]


def test_a_record_under_an_old_version_is_not_written() -> None:
    (old,) = openings(1)
    Rule.objects.create()
    with writing() as audit:
        assert opened(audit, old, *openings(1)) == [False, True]
    assert not CallRecord.objects.filter(pk=old.id).exists()


def test_no_record_is_written_while_the_version_is_missing() -> None:
    (opening,) = openings(1)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM authz_app_policystate")
    with writing() as audit:
        assert opened(audit, opening) == [False]
    assert not CallRecord.objects.exists()


def test_a_record_that_the_database_refuses_does_not_hold_up_the_others() -> None:
    good, bad = openings(40), openings(2, tool="poison")
    with writing() as audit:
        with refused("INSERT", "NEW.tool = 'poison'"):
            results = opened(audit, *good[:20], *bad, *good[20:])
        assert [type(one) for one in results] == [bool] * 20 + [AuditUnavailable] * 2 + [bool] * 20
        assert all(one is True for one in results if isinstance(one, bool))
        assert CallRecord.objects.count() == 40


@pytest.mark.parametrize("fields", [{"tool": "\ud800"}, {"subject": "\x00\ud800"}], ids=["surrogate", "NUL"])
def test_a_record_that_cannot_even_be_sent_is_refused_and_the_writer_lives_on(fields: dict[str, str]) -> None:
    with writing() as audit:
        results = opened(audit, *openings(3), *openings(1, **fields), *openings(3))
        assert [type(one) for one in results] == [bool] * 3 + [AuditUnavailable] + [bool] * 3
        assert opened(audit, *openings(1)) == [True]


def test_a_caller_is_told_within_the_time_limit(caplog: pytest.LogCaptureFixture) -> None:
    with writing(timeout=0.3) as audit:
        started = time.monotonic()
        with records_locked():
            results = opened(audit, *openings(5))
            assert time.monotonic() - started >= 0.25
            assert not audit.flush(0.0)
        assert [str(one) for one in results] == [UNAVAILABLE] * 5
        audit.flush(WAIT)
        assert opened(audit, *openings(1)) == [True]


def test_a_record_that_commits_after_its_caller_gave_up_is_closed_as_cancelled(counted: CountedStatements) -> None:
    with writing(timeout=0.3) as audit:
        (late,) = openings(1)
        with records_locked():
            assert [type(one) for one in opened(audit, late)] == [AuditUnavailable]
            (never,) = openings(1)
            assert [type(one) for one in opened(audit, never)] == [AuditUnavailable]
        assert audit.flush(WAIT) and audit.flush(WAIT)
        left = dict(CallRecord.objects.values_list("pk", "outcome"))
    # On SQLite the lock is waited for before the insert is tried, on PostgreSQL within it: both commit afterwards.
    assert left == {late.id: "cancelled"}


def test_a_record_that_commits_after_its_caller_went_on_to_other_work_is_closed_as_cancelled() -> None:
    with writing(timeout=0.3) as audit, asyncio.Runner() as runner:
        (late,) = openings(1)
        with records_locked(), pytest.raises(AuditUnavailable):
            runner.run(audit.open(late))
        assert audit.flush(WAIT)
        runner.run(asyncio.sleep(0))
        assert audit.flush(WAIT)
        assert outcomes() == ["cancelled"]


def test_a_caller_that_is_cancelled_leaves_no_open_record() -> None:
    with writing() as audit:
        (opening,) = openings(1)

        async def give_up() -> None:
            waiting = asyncio.ensure_future(audit.open(opening))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting], timeout=WAIT)
            assert waiting.cancelled()

        with records_locked():
            asyncio.run(give_up())
        assert audit.flush(WAIT) and audit.flush(WAIT)
        assert outcomes() in ([], ["cancelled"])


def test_a_denied_record_that_commits_late_needs_no_outcome(counted: CountedStatements) -> None:
    with writing(timeout=0.3) as audit:
        with records_locked():
            opened(audit, *openings(1, decision="denied", reason="no_rule", deadline=None))
        assert audit.flush(WAIT) and audit.flush(WAIT)
        assert outcomes() == [""]


def test_outcomes_are_written_once_the_database_takes_them_again(caplog: pytest.LogCaptureFixture) -> None:
    mine = openings(3)
    with writing() as audit:
        opened(audit, *mine)
        with refused("UPDATE", kind="disk_full"):
            for opening in mine:
                close(audit, opening)
            assert not audit.flush(WAIT)
            assert outcomes() == ["", "", ""]
        assert audit.flush(WAIT)
        assert outcomes() == ["ok", "ok", "ok"]
    [line] = [record.getMessage() for record in caplog.records if "again" in record.getMessage()]
    assert re.fullmatch(
        r"Call records can be written again, after [\d.]+ seconds\. Calls refused: 0;"
        r" outcomes that had to wait: 3; outcomes lost: 0\.",
        line,
    )


def test_records_go_on_while_outcomes_are_refused() -> None:
    (first,) = openings(1)
    with writing() as audit:
        opened(audit, first)
        with refused("UPDATE"):
            close(audit, first)
            audit.flush(WAIT)
            assert opened(audit, *openings(2)) == [True, True]


@pytest.mark.parametrize(
    "end", [lambda audit: audit.flush(WAIT), lambda audit: audit.stop(WAIT)], ids=["flush", "stop"]
)
def test_a_long_backlog_of_outcomes_is_written_before_the_end(end: Callable[[AuditWriter], object]) -> None:
    mine = openings(700)
    with writing() as audit:
        opened(audit, *mine)
        with refused("UPDATE", kind="disk_full"):
            for opening in mine:
                close(audit, opening)
            audit.flush(WAIT)
        end(audit)
        assert outcomes() == ["ok"] * 700


def swept(audit: AuditWriter, clock: Clock) -> None:
    clock.now += 60
    assert audit.flush(WAIT)


def test_a_record_past_its_deadline_is_unknown_and_stays_so() -> None:
    clock = Clock()
    (lost,) = openings(1, deadline=datetime.now(UTC) - timedelta(seconds=1))
    with writing(clock=clock) as audit:
        opened(audit, lost)
        swept(audit, clock)
        assert outcomes() == ["unknown"]
        close(audit, lost)
        assert audit.flush(WAIT)
        assert outcomes() == ["unknown"]


def test_a_worker_that_has_just_started_soon_gives_up_what_another_left_behind() -> None:
    clock = Clock()
    (lost,) = openings(1, deadline=datetime.now(UTC) - timedelta(seconds=1))
    with writing(clock=clock) as audit:
        opened(audit, lost)
        assert outcomes() == [""]
        clock.now += 3
        assert audit.flush(WAIT)
        assert outcomes() == ["unknown"]


def test_outcomes_kept_through_an_outage_are_written_before_their_records_are_given_up() -> None:
    clock = Clock()
    mine = openings(600, deadline=datetime.now(UTC) - timedelta(seconds=1))
    with writing(clock=clock) as audit:
        opened(audit, *mine)
        with refused("UPDATE", kind="disk_full"):
            for opening in mine:
                close(audit, opening)
            assert not audit.flush(WAIT)
        swept(audit, clock)
        assert outcomes() == ["ok"] * 600


def test_only_open_records_past_their_deadline_become_unknown() -> None:
    clock = Clock()
    past = datetime.now(UTC) - timedelta(seconds=1)
    (ended,), (running,), (denied,) = openings(1, deadline=past), openings(1), openings(1, deadline=None)
    with writing(clock=clock) as audit:
        opened(audit, ended, running, denied)
        close(audit, ended)
        assert audit.flush(WAIT)
        swept(audit, clock)
        assert dict(CallRecord.objects.values_list("pk", "outcome")) == {ended.id: "ok", running.id: "", denied.id: ""}


def test_an_outcome_is_never_written_twice() -> None:
    (opening,) = openings(1)
    with writing() as audit:
        opened(audit, opening)
        close(audit, opening, Outcome.CANCELLED)
        close(audit, opening, Outcome.OK)
        assert audit.flush(WAIT)
        assert outcomes() == ["cancelled"]


def database_connections() -> int:
    if connection.vendor == "sqlite":
        links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
        return sum(os.path.exists(link) and "test.sqlite3" in os.readlink(link) for link in links)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_stopping_leaves_no_thread_and_no_connection() -> None:
    threads, connections = threading.active_count(), database_connections()
    with writing() as audit:
        opened(audit, *openings(1))
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads
    wait_until(lambda: database_connections() == connections)


def test_a_writer_that_was_stopped_starts_again_when_it_is_needed() -> None:
    with writing() as audit:
        opened(audit, *openings(1))
        audit.stop(WAIT)
        assert opened(audit, *openings(1)) == [True]


def test_a_writer_that_never_wrote_has_nothing_to_flush() -> None:
    assert AuditWriter(1.0).flush(0.0)


def test_the_writer_outlives_an_event_loop_that_ended_before_its_answer() -> None:
    with writing() as audit:

        async def leave() -> None:
            asyncio.ensure_future(audit.open(openings_made[0]))  # noqa: RUF006  (it is left behind on purpose)
            await asyncio.sleep(0)

        openings_made = openings(1)
        with records_locked():
            asyncio.run(leave())
        assert audit.flush(WAIT) and audit.flush(WAIT)
        assert outcomes() in ([], ["cancelled"])
        assert opened(audit, *openings(1)) == [True]


def traces() -> list[dict[str, Any]]:
    return [
        json.loads(details) for details in AuditEvent.objects.filter(kind="outage").values_list("details", flat=True)
    ]


def test_one_commit_that_failed_leaves_a_trace() -> None:
    with writing() as audit:
        with refused("INSERT", kind="disk_full"):
            results = opened(audit, *openings(3))
        assert [type(one) for one in results] == [AuditUnavailable] * 3
        assert "so no tool is run; this worker has refused 3 calls" in audit.outage
        assert opened(audit, *openings(1)) == [True]
    [trace] = traces()
    assert (trace["calls_refused"], trace["outcomes_lost"]) == (3, 0)
    assert "refused" in trace["cause"]
    assert audit.outage == ""


def test_a_lock_that_was_held_too_long_leaves_a_trace_too() -> None:
    with writing(timeout=0.3) as audit:
        with records_locked():
            opened(audit, *openings(2))
        assert audit.flush(WAIT) and audit.flush(WAIT)
    [trace] = traces()
    assert (trace["cause"], trace["calls_refused"]) == ("not written within 0.3 seconds", 2)


def test_the_trace_is_written_without_another_call_or_the_end_of_the_worker() -> None:
    with writing() as audit:
        with refused("INSERT", kind="disk_full"):
            opened(audit, *openings(1))
        wait_until(lambda: traces() != [])


def test_the_writer_outlives_what_nobody_foresaw(caplog: pytest.LogCaptureFixture) -> None:
    with writing(timeout=0.5) as audit:
        # SQLite's driver raises an OverflowError for it, which is no error of a database.
        results = opened(audit, *openings(1, client_id=2**70))
        assert [type(one) for one in results] == [AuditUnavailable]
    with writing() as audit:
        assert opened(audit, *openings(1)) == [True]
