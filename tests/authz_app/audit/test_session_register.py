"""Each session is opened once and closed once, whoever tells of it, and in whichever order that is written."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from authz_app.audit.event_buffer import EventBuffer
from authz_app.audit.events import EventKind, SessionClosed, SessionOpened, event
from authz_app.models import AuditEvent, OpenSession
from tests.authz_app.audit.test_writer import WAIT, opened, openings, writing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
CLIENT = {"client_name": "Agent", "issuer": "i", "subject": "s", "oauth_client_id": "o", "address": "::1"}


def was_opened(key: str = "k", ago: float = 60.0, holder: str = "w1") -> SessionOpened:
    at = datetime.now(UTC) - timedelta(seconds=ago)
    opening = event(EventKind.SESSION_OPENED, {}, at=at, mcp_session=key, client_id=7, worker="w1", **CLIENT)
    return SessionOpened(opening, holder, "sse")


def was_closed(key: str = "k", why: str = "the client left", ago: float = 0.0, **fields: Any) -> SessionClosed:
    return SessionClosed(key, why, datetime.now(UTC) - timedelta(seconds=ago), "w2", **fields)


def events_of(kind: str) -> list[tuple[str, Any]]:
    found = AuditEvent.objects.filter(kind=kind).order_by("mcp_session")
    return [(row.mcp_session, json.loads(row.details)) for row in found]


def test_what_was_opened_is_closed_with_what_was_known_of_it() -> None:
    with writing() as audit:
        audit.close(was_opened())
        assert opened(audit, *openings(3, mcp_session="k"), *openings(1, mcp_session="other")) == [True] * 4
        audit.close(was_closed(actor="anna", software="agent 1"))
        assert audit.flush(WAIT)
    (closed,) = AuditEvent.objects.filter(kind="session_closed")
    details = json.loads(closed.details)
    assert 59 < details.pop("seconds") < 120
    assert details == {"why": "the client left", "calls": 3, "transport": "sse", "software": "agent 1"}
    assert (closed.client_id, closed.mcp_session, closed.worker, closed.actor) == (7, "k", "w2", "anna")
    assert {name: getattr(closed, name) for name in CLIENT} == CLIENT
    assert not OpenSession.objects.exists()


def test_it_is_closed_once_by_whoever_comes_first() -> None:
    with writing() as worker, writing() as other_worker:
        worker.close(was_opened())
        assert worker.flush(WAIT)
        other_worker.close(was_closed(why="an administrator ended it"))
        assert other_worker.flush(WAIT)
        for audit in (worker, other_worker):
            audit.close(was_closed())
            assert audit.flush(WAIT)
    assert [details["why"] for _, details in events_of("session_closed")] == ["an administrator ended it"]


def test_two_that_close_it_in_one_group_count_as_one() -> None:
    with writing() as audit:
        for note in (was_opened(), was_closed(why="first"), was_closed(why="second")):
            audit.close(note)
        assert audit.flush(WAIT)
    assert [details["why"] for _, details in events_of("session_closed")] == ["first"]


def test_a_session_whose_end_is_written_before_its_beginning_has_both() -> None:
    with writing() as worker, writing() as other_worker:
        other_worker.close(was_closed())
        assert other_worker.flush(WAIT)
        assert events_of("session_closed") == []
        worker.close(was_opened())
        assert worker.flush(WAIT)
        assert other_worker.flush(WAIT)
    assert ([key for key, _ in events_of("session_opened")], len(events_of("session_closed"))) == (["k"], 1)


def test_the_end_of_a_session_that_nobody_opened_is_not_kept_for_long() -> None:
    backlog, tried = EventBuffer(most=2), []
    for closing in (was_closed("old", ago=61.0), was_closed("new")):
        assert backlog.admits_one()
        backlog.written([closing], [closing])
    backlog.write(tried.append)
    assert [[closing.mcp_session for closing in some] for some in tried] == [["new"]]
    assert [backlog.admits_one(), backlog.admits_one()] == [True, False]


def test_many_sessions_are_written_in_a_few_groups() -> None:
    with writing() as audit:
        for number in range(600):
            audit.close(was_opened(f"{number}"))
        for number in range(600):
            audit.close(was_closed(f"{number}"))
        assert audit.flush(WAIT)
    assert len(events_of("session_opened")) == len(events_of("session_closed")) == 600
