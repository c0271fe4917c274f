"""Records stay as they were written, unless a seal says that they were pruned."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from authz_app.audit.entries import Closing, Opening, Outcome
from authz_app.audit.writer import statements_for
from authz_app.checks import check_evidence_guard
from authz_app.evidence.sealer import seal_what_is_due
from authz_app.models import AuditEvent, AuditKey, AuditSeal, CallRecord, Rule
from authz_app.policy_store.loading import stored_version
from authz_app.triggers import append_only_records
from authz_app.triggers.append_only_records import EVENTS, KEYS, RECORDS, SEALS
from tests.authz_app.audit.openings import an_opening
from tests.authz_app.evidence.records import final_events, final_records, key_file  # noqa: F401
from tests.authz_app.history.outsider import outsider

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def guarded(key_file: Path) -> Iterator[None]:  # noqa: F811
    """Two sealed records, two final ones, events likewise, and the triggers."""
    Rule.objects.create(tools="x")
    final_records(2)
    final_events(2)
    seal_what_is_due(None)
    final_records(2)
    final_events(2)
    append_only_records.install(connection)
    yield
    append_only_records.remove(connection)


REFUSED = [
    "DELETE FROM authz_app_callrecord WHERE seal = 1",
    "DELETE FROM authz_app_callrecord WHERE seal IS NULL",
    "UPDATE authz_app_callrecord SET tool = 'x' WHERE seal IS NULL",
    "UPDATE authz_app_callrecord SET error = 'x'",
    "UPDATE authz_app_callrecord SET outcome = ''",
    "UPDATE authz_app_callrecord SET seal = NULL WHERE seal = 1",
    "UPDATE authz_app_callrecord SET seal = 2 WHERE seal = 1",
    "UPDATE authz_app_callrecord SET undelivered = true WHERE seal = 1",
    "UPDATE authz_app_callrecord SET undelivered = false",
    "DELETE FROM authz_app_auditevent WHERE seal = 2",
    "DELETE FROM authz_app_auditevent WHERE seal IS NULL",
    "UPDATE authz_app_auditevent SET details = 'x' WHERE seal IS NULL",
    "UPDATE authz_app_auditevent SET count = 2, actor = 'x' WHERE seal = 2",
    "UPDATE authz_app_auditevent SET seal = NULL WHERE seal = 2",
    "UPDATE authz_app_auditevent SET seal = 3 WHERE seal = 2",
    "INSERT INTO authz_app_auditevent SELECT * FROM authz_app_auditevent WHERE seal = 2",
    "INSERT INTO authz_app_auditseal SELECT * FROM authz_app_auditseal",
    "UPDATE authz_app_auditseal SET statement = 'x'",
    "UPDATE authz_app_auditseal SET members = ''",
    "DELETE FROM authz_app_auditseal",
    "UPDATE authz_app_auditkey SET signature = 'x'",
    "DELETE FROM authz_app_auditkey",
]
ON_SQLITE = [f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE seal IS NULL" for table in (RECORDS, EVENTS)]
ON_POSTGRESQL = [
    f"TRUNCATE {table}"
    for table in (
        RECORDS,
        EVENTS,
        SEALS,
        KEYS,
    )
]


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("sql", [*REFUSED, *ON_SQLITE, *ON_POSTGRESQL])
def test_what_is_final_is_neither_edited_nor_deleted(sql: str) -> None:
    if sql in (ON_POSTGRESQL if connection.vendor == "sqlite" else ON_SQLITE):
        pytest.skip("The other database's.")
    before = _everything()
    with outsider() as raw, pytest.raises(Exception, match="are evidence|duplicate key|malformed"):
        raw.execute(sql)
    assert _everything() == before


def _everything() -> list[object]:
    return [list(model.objects.order_by("pk").values_list()) for model in (CallRecord, AuditEvent, AuditSeal, AuditKey)]


@pytest.mark.usefixtures("guarded")
def test_a_record_is_opened_closed_once_found_lost_and_sealed() -> None:
    statements, opening = statements_for(connection), an_opening(stored_version())
    with statements.transaction() as cursor:
        statements.insert(cursor, [opening])
        statements.close(cursor, [Closing(opening.id, Outcome.OK, 1.5)])
        statements.undelivered(cursor, [opening.id])
    with statements.transaction() as cursor:
        statements.close(cursor, [Closing(opening.id, Outcome.CRASHED, 2.5)])
    assert CallRecord.objects.get(pk=opening.id).outcome == "ok"
    assert seal_what_is_due(None) == 2
    assert CallRecord.objects.filter(seal=3).count() == 2
    assert AuditEvent.objects.filter(seal=4).count() == 2


@pytest.mark.usefixtures("guarded")
def test_what_is_lost_after_it_was_sealed_holds_up_nothing_else() -> None:
    sealed, opening = CallRecord.objects.filter(seal=1)[0], _opened()
    statements = statements_for(connection)
    with statements.transaction() as cursor:
        statements.undelivered(cursor, [sealed.pk, opening.id])
    assert [*CallRecord.objects.filter(undelivered=True)] == [CallRecord.objects.get(pk=opening.id)]


@pytest.mark.usefixtures("guarded")
def test_a_call_that_is_running_is_not_deleted_either() -> None:
    opening = _opened()
    with pytest.raises(DatabaseError, match="are evidence"), transaction.atomic():
        CallRecord.objects.filter(pk=opening.id).delete()
    with statements_for(connection).transaction() as cursor:
        assert statements_for(connection).expire(cursor, datetime.max.replace(tzinfo=UTC)) == 1


def _opened() -> Opening:
    opening = an_opening(stored_version())
    with statements_for(connection).transaction() as cursor:
        statements_for(connection).insert(cursor, [opening])
    return opening


@pytest.mark.usefixtures("guarded")
def test_the_check_notices_that_the_guard_is_gone() -> None:
    assert check_evidence_guard(databases=["default"]) == []
    append_only_records.remove(connection)
    assert [message.id for message in check_evidence_guard(databases=["default"])] == ["authz.W003"]
