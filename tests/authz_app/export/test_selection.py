"""What is exported is what a search finds.

Covers: authz_app.export.event_search
"""

from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from authz_app.audit.events import EventKind, event, record_now
from authz_app.export.selection import everything, found_by
from authz_app.models import AuditEvent, CallRecord
from tests.rows import build_record, build_refusal, make_client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
SESSION = "0" * 31 + "1"


def calls(search: str) -> list[str]:
    return sorted(row.tool for table in found_by(search).tables for row in table.rows)


def events(search: str) -> list[str]:
    return sorted(row.worker for table in found_by(search, AuditEvent).tables for row in table.rows)


def test_calls_are_found_as_on_their_page() -> None:
    report, other = make_client("Report agent"), make_client("Other")
    CallRecord.objects.bulk_create(
        [
            build_record(report, timedelta(days=3), tool="a"),
            build_refusal(report, tool="b", seal=7),
            build_record(other, tool="c", mcp_session=SESSION, outcome="crashed"),
        ]
    )
    assert calls("") == ["a", "b", "c"]
    assert calls("decision:denied client:report") == calls("reason:no_rule") == calls("seal:7") == ["b"]
    assert calls(f"client:#{report.pk}") == ["a", "b"]
    assert calls(f"-client:#{report.pk} outcome:crashed") == calls(f"session:{SESSION}") == ["c"]
    assert calls("args:Berlin since:2d tool:c") == ["c"]


def test_the_calls_of_a_client_that_was_deleted_are_found_by_its_number() -> None:
    gone = make_client("Gone")
    CallRecord.objects.bulk_create([build_record(gone, tool="a"), build_record(make_client("Other"), tool="b")])
    number = gone.pk
    gone.delete()
    assert calls(f"client:#{number}") == ["a"]
    with pytest.raises(ValueError, match="No client is called “gone”"):
        found_by("client:gone")


def test_events_are_found_by_what_they_have() -> None:
    record_now(event(EventKind.LOOK, {}, actor="ada", client_id=3, worker="look"))
    record_now(event(EventKind.SESSION_OPENED, {}, mcp_session=SESSION, worker="opened"))
    record_now(event(EventKind.EXPORT, {}, actor="bob", worker="export"))
    AuditEvent.objects.filter(worker="export").update(seal=7)
    assert events("") == ["export", "look", "opened"]
    assert events("kind:look,export -actor:bob") == events("ada") == events("client:#3") == ["look"]
    assert events(SESSION) == events(f"session:{SESSION}") == ["opened"]
    assert events("seal:7") == events("actor:bob since:1h") == ["export"]
    assert events("until:yesterday") == []
    first: UUID = AuditEvent.objects.order_by("pk").values_list("pk", flat=True)[0]
    assert events(f"id:{first}") == ["look"]


@pytest.mark.parametrize(
    ("search", "model", "problem"),
    [
        ("clint:report", CallRecord, "There is no qualifier clint:. There are client, tool,"),
        ("kind:x", AuditEvent, "kind: is one of session_opened,"),
        ("tool:x", AuditEvent, "There is no qualifier tool:. There are kind, actor, client,"),
    ],
)
def test_a_search_that_means_nothing_is_refused(
    search: str, model: type[CallRecord] | type[AuditEvent], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        found_by(search, model)


def test_everything_is_calls_and_events() -> None:
    assert [chosen.sealed.name for chosen in everything().tables] == ["call", "event"]


@pytest.mark.parametrize(
    ("options", "search"),
    [
        (["decision=denied&since=week"], "'decision:denied since:7d'"),
        (["?q=tool:weather_*&decision=denied"], "'tool:weather_* decision:denied'"),
        (["client=3"], "'client:#3'"),
        (["q=args:%22new+york%22&tool=a+b"], """'args:"new york" tool:"a b"'"""),
        (["kind=look&since=today", "--events"], "'kind:look since:today'"),
    ],
)
def test_a_part_of_an_address_is_refused_with_the_search_that_finds_the_same(options: list[str], search: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("audit", "export", "--where", *options)
    assert "that is a part of the address of a page. Write it as a search" in str(refused.value)
    assert str(refused.value).endswith(f"--where {search}")
