"""Events that wait to be written: within bounds, counted where they find no room, and never at the cost of a call."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from authz_app.audit.entries import AuditUnavailable
from authz_app.audit.event_buffer import EventBuffer
from authz_app.audit.events import Event, EventKind, event
from authz_app.audit.sql import EVENTS
from authz_app.audit.writer import AuditWriter
from authz_app.models import AuditEvent, CallRecord
from tests.authz_app.audit.test_writer import WAIT, close, opened, openings, records_locked, writing
from tests.eventually import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@contextmanager
def events_refused() -> Iterator[None]:
    """The database takes no event within the block, and all else."""
    if connection.vendor == "sqlite":
        make = f"CREATE TRIGGER refused BEFORE INSERT ON {EVENTS} BEGIN SELECT no_such_function(); END"
        drop = "DROP TRIGGER refused"
    else:
        make = f"ALTER TABLE {EVENTS} RENAME TO events_away"
        drop = f"ALTER TABLE events_away RENAME TO {EVENTS}"
    with connection.cursor() as cursor:
        cursor.execute(make)
        try:
            yield
        finally:
            cursor.execute(drop)


def opened_session(**fields: str) -> Event:
    return event(EventKind.SESSION_OPENED, {"transport": "sse"}, mcp_session="abc", **fields)


def until_written(audit: AuditWriter) -> None:
    """The writer looks at what it kept when it is next asked to flush."""
    wait_until(lambda: audit.flush(WAIT))


def test_an_event_shares_the_commit_of_openings_and_outcomes() -> None:
    with writing() as audit:
        (opening,) = openings(1)
        audit.close(opened_session())
        assert opened(audit, opening) == [True]
        close(audit, opening)
        assert audit.flush(WAIT)
    assert (AuditEvent.objects.count(), CallRecord.objects.get().outcome) == (1, "ok")


def test_calls_run_and_end_while_events_cannot_be_written_and_no_event_is_lost() -> None:
    with writing() as audit:
        with events_refused():
            for opening in openings(3):
                audit.close(opened_session())
                assert opened(audit, opening) == [True]
                close(audit, opening)
            assert not audit.flush(WAIT)
            assert [*CallRecord.objects.values_list("outcome", flat=True)] == ["ok"] * 3
        until_written(audit)
    assert AuditEvent.objects.count() == 3


def test_what_happened_in_an_outage_is_written_after_it() -> None:
    with writing(timeout=0.5) as audit:
        with records_locked():
            sent = [opened_session() for _ in range(5)]
            for one in sent:
                audit.close(one)
            assert isinstance(opened(audit, *openings(1))[0], AuditUnavailable)
        until_written(audit)
    rows = AuditEvent.objects.exclude(kind="outage")
    assert {*rows.values_list("id", flat=True)} == {one.id for one in sent}


def test_one_that_the_database_refuses_holds_up_no_other() -> None:
    bad, good = opened_session()._replace(details="\ud800"), opened_session()
    with writing() as audit:
        audit.close(bad)
        audit.close(good)
        until_written(audit)
    assert [row.id for row in AuditEvent.objects.all()] == [good.id]


def test_an_event_that_is_tried_again_after_its_commit_is_there_once() -> None:
    sent = opened_session()
    with writing() as audit:
        for _ in range(2):
            audit.close(sent)
            until_written(audit)
    assert AuditEvent.objects.count() == 1


def test_what_finds_no_room_is_counted_and_told() -> None:
    buffer = EventBuffer(most=2)
    sent = [opened_session() for _ in range(5)]
    admitted = [one for one in sent if buffer.admits_one()]
    assert admitted == sent[:2]
    buffer.keep(admitted)
    taken: list[Any] = []

    def commit(events: Sequence[Any]) -> None:
        taken.extend(events)
        buffer.written(events, [])

    buffer.write(commit)
    *kept, lost = taken
    assert (kept, lost.kind, lost.count) == (admitted, "events_lost", 3)
    assert [buffer.admits_one() for _ in range(3)] == [True, True, False]


def test_a_flood_of_events_from_many_threads_is_written_or_counted() -> None:
    with writing() as audit:
        flood = [
            threading.Thread(target=lambda: [audit.close(opened_session()) for _ in range(4_000)]) for _ in range(4)
        ]
        with records_locked():
            for thread in flood:
                thread.start()
            for thread in flood:
                thread.join()
        until_written(audit)
    written = AuditEvent.objects.filter(kind="session_opened").count()
    lost = sum(AuditEvent.objects.filter(kind="events_lost").values_list("count", flat=True))
    assert written + lost == 16_000
