"""The pages of events: each is told in a sentence, leads on to what it is about, and is read by who may.

Covers: authz_app.pages.events.words
"""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from authz_app.audit.events import EventKind, event, record_now
from authz_app.models import AuditEvent, User
from authz_app.pages.events.words import KINDS, sentence
from tests.rows import make_client

pytestmark = [pytest.mark.django_db, pytest.mark.database]
LIST = "/admin/authz_app/auditevent/"
SESSION = "9f2c4e1b7a9f2c4e1b7a9f2c4e1b7a00"
RECORD = str(uuid4())
TOLD = {
    EventKind.SESSION_OPENED: ({"transport": "sse", "software": "agent 1"}, "agent 1"),
    EventKind.SESSION_CLOSED: (
        {"why": "its worker died", "seconds": 3_725.0, "calls": 5},
        "Its worker died (anna), after 1 h 2 min and 5 calls.",
    ),
    EventKind.TOKENS_REFUSED: ({"first": "The token expired.", "addresses": ["::1", "::2"]}, "from 2 addresses"),
    EventKind.REQUESTS_REFUSED: ({"first": "The Host is wrong.", "addresses": ["::1"]}, "3 requests from ::1"),
    EventKind.EXPORT: (
        {"tables": ["call"], "form": "csv", "chosen_by": "tool=x"},
        "3 calls, as CSV, chosen by tool=x.",
    ),
    EventKind.PRUNING: (
        {"segments": 2, "first_seal": 1, "last_seal": 3, "older_than": "2026-01-01", "tools": []},
        "3 records in 2 segments, seals 1 to 3, from before 2026-01-01.",
    ),
    EventKind.KEY_CHANGE: ({"key": "ab", "first_seal": 7, "follows": "cd"}, "The key ab signs from seal 7 on"),
    EventKind.LOOK: ({"record": RECORD, "tool": "TimeTool"}, "Looked at what a record of TimeTool holds."),
    EventKind.OUTAGE: (
        {"from": "2026-11-27T04:00:00.000+00:00", "until": "x", "cause": "gone", "calls_refused": 4},
        "from 2026-11-27 04:00:00 UTC until a time that is not known: gone. Calls refused: 4",
    ),
    EventKind.EVENTS_LOST: ({"why": "Too many."}, "3 events. Too many."),
}


@pytest.fixture
def browser() -> Browser:
    made = Browser()
    made.force_login(User.objects.create_superuser("anna"))
    return made


@pytest.fixture
def told() -> dict[str, AuditEvent]:
    """An event of each kind, all of one client and one session."""
    client = make_client("Report agent")
    fields = {"client_name": client.name, "issuer": client.issuer, "subject": client.subject, "mcp_session": SESSION}
    for kind, (details, _) in TOLD.items():
        record_now(event(kind, details, client_id=client.pk, count=3, actor="anna", address="::1", **fields))
    return {row.kind: row for row in AuditEvent.objects.all()}


def page(browser: Browser, path: str) -> str:
    response = browser.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def test_each_kind_has_a_name_and_a_sentence(told: dict[str, AuditEvent]) -> None:
    assert {*KINDS} == {*TOLD} == {*EventKind}
    for kind, (_, expected) in TOLD.items():
        assert expected in sentence(told[kind])


def test_what_cannot_be_read_is_told_all_the_same() -> None:
    for kind in [*EventKind, "something_new"]:
        for details in ("", "[]", "{}", '{"why":null,"addresses":[],"searched":[]}'):
            assert sentence(AuditEvent(kind=kind, details=details))


def test_the_list_tells_of_each_and_leads_to_the_policy_history(browser: Browser, told: dict[str, AuditEvent]) -> None:
    shown = page(browser, LIST)
    assert all(f"{LIST}{row.pk}/change/" in shown for row in told.values())
    assert "Its worker died (anna), after 1 h 2 min and 5 calls." in shown
    assert "/admin/authz_app/policyedit/" in shown


@pytest.mark.parametrize(
    "query",
    ["kind=look", f"session={SESSION}", "since=hour", "q=anna", f"q={SESSION}", "kind=look&since=day&q=anna"],
)
def test_filters_and_the_search_find(browser: Browser, told: dict[str, AuditEvent], query: str) -> None:
    look = f"{LIST}{told['look'].pk}/change/"
    assert look in page(browser, f"{LIST}?{query}")
    client = told["look"].client_id
    assert look in page(browser, f"{LIST}?client={client}&{query}")
    for other in ("kind=outage", f"client={client + 1}", "session=x", "q=nobody", "client=x", "since=x", "q=%00"):
        assert other == "q=%00" or look not in page(browser, f"{LIST}?{other}")


def test_the_page_of_each_event_leads_on(browser: Browser, told: dict[str, AuditEvent]) -> None:
    for kind, row in told.items():
        shown = page(browser, f"{LIST}{row.pk}/change/")
        assert f"/admin/authz_app/client/{row.client_id}/change/" in shown, kind
        assert f"/admin/authz_app/callrecord/?session={SESSION}" in shown
        assert f"{LIST}?session={SESSION}" in shown
        assert "Not sealed yet: it will be in about 70 seconds." in shown
    assert f"/admin/authz_app/callrecord/{RECORD}/change/" in page(browser, f"{LIST}{told['look'].pk}/change/")


def test_a_refused_token_leads_to_the_client_that_it_speaks_of(browser: Browser) -> None:
    client = make_client("Report agent")
    record_now(event(EventKind.TOKENS_REFUSED, {"first": "x"}, issuer=client.issuer, subject=client.subject))
    shown = page(browser, f"{LIST}{AuditEvent.objects.get().pk}/change/")
    assert f"/admin/authz_app/client/{client.pk}/change/" in shown


def test_what_a_stranger_sent_is_shown_as_text(browser: Browser) -> None:
    record_now(event(EventKind.TOKENS_REFUSED, {"first": "<script>alert(1)</script>\u202e"}, subject="<b>\u202e"))
    for path in (LIST, f"{LIST}{AuditEvent.objects.get().pk}/change/"):
        shown = page(browser, path)
        assert "<script>alert(1)" not in shown and "<b>\\u202e" not in shown and "\u202e" not in shown


def test_the_list_costs_the_same_for_many_as_for_few(browser: Browser, told: dict[str, AuditEvent]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            page(browser, LIST)
        assert not any("COUNT(" in query["sql"] for query in found)
        return len(found)

    few = queries()
    for _ in range(60):
        record_now(event(EventKind.LOOK, {}))
    assert queries() == few


@pytest.mark.parametrize(("group", "status"), [("Auditors", 200), ("Policy editors", 200), ("", 403)])
def test_who_reads_records_reads_events_and_nobody_changes_them(group: str, status: int) -> None:
    user = User.objects.create_user("reader", is_staff=True)
    if group:
        user.groups.add(Group.objects.get(name=group))
    browser = Browser()
    browser.force_login(user)
    record_now(event(EventKind.LOOK, {}))
    row = AuditEvent.objects.get()
    assert browser.get(LIST).status_code == status
    assert browser.get(f"{LIST}{row.pk}/change/").status_code == status
    assert browser.post(f"{LIST}{row.pk}/change/", {"kind": "x"}).status_code == 403
    assert browser.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert browser.get(f"{LIST}add/").status_code == 403
