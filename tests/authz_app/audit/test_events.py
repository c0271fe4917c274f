"""Events: written soon, or before what they tell of is done.

Covers: authz_app.models.events
"""

import json
from datetime import UTC, datetime

import pytest
from django.db import transaction

from authz_app.audit.entries import AuditUnavailable
from authz_app.audit.events import Event, EventKind, event, record_now
from authz_app.core import actor
from authz_app.models import AuditEvent
from tests.authz_app.audit.test_event_buffer import events_refused
from tests.authz_app.audit.test_writer import WAIT, writing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def test_an_event_is_written_soon_with_everything_it_says() -> None:
    sent = event(
        EventKind.LOOK,
        {"record": "x", "password": "hunter2hunter2"},
        at=datetime(2026, 11, 27, 1, 2, 3, 4, tzinfo=UTC),
        count=3,
        client_id=7,
        actor="a\x00b",
        client_name="n" * 300,
        issuer="i",
        subject="\ud800",
        oauth_client_id="o",
        mcp_session="m",
        address="::1",
        worker="w",
    )
    with writing() as audit:
        audit.close(sent)
        assert audit.flush(WAIT)
    row = AuditEvent.objects.get()
    assert {name: getattr(row, name) for name in Event._fields} == sent._asdict()
    assert json.loads(row.details) == {"record": "x", "password": "[redacted]"}
    assert (row.actor, row.subject, row.client_name, row.seal) == ("a\ufffdb", "\ufffd", "n" * 200, None)


def test_what_an_administrator_does_is_committed_before_it_is_done() -> None:
    with actor.acting(actor.user("anna")):
        record_now(event(EventKind.EXPORT, {"records": 5}))
    with actor.acting("command:audit by root"):
        record_now(event(EventKind.PRUNING))
    assert [*AuditEvent.objects.order_by("id").values_list("actor", flat=True)] == ["anna", "manage.py audit by root"]


def test_what_cannot_be_recorded_is_not_done() -> None:
    with events_refused(), pytest.raises(AuditUnavailable):
        record_now(event(EventKind.EXPORT))


def test_what_could_still_be_rolled_back_is_not_recorded() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        record_now(event(EventKind.EXPORT))
