"""The admin page of refusals."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from authz_app.models import CallRecord, Client, User
from authz_app.policy_store import tool_port
from tests.authz_app.test_admin import HOSTILE, staff, text
from tests.rows import build_record, build_refusal, make_client

REFUSALS = "/admin/refusals/"

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tool_port,
        "_connected",
        replace(tool_port.connected(), names=lambda: [("tool", "TimeTool"), ("tool", "weather_tool")]),
    )


def test_refusals_are_told_with_how_often_since_when_and_why(admin_client: Browser) -> None:
    ada = make_client("Ada")
    minute = timedelta(minutes=1)
    records = [build_refusal(ada, number * minute, token_scopes="time") for number in range(3)]
    CallRecord.objects.bulk_create([*records, build_record(ada, tool="weather_tool")])
    page = text(admin_client.get(REFUSALS))
    assert "3 times" in page
    assert f"{records[0].at:%Y-%m-%d %H:%M:%S} UTC" in page
    assert f"{records[2].at:%Y-%m-%d %H:%M:%S} UTC" in page
    assert "No rule" in page
    assert f"{REFUSALS}{records[0].pk}/allow/" in page
    assert f"?client={ada.pk}&amp;kind=tool&amp;tool=TimeTool&amp;decision=denied" in page
    assert "weather_tool" not in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [("", "new old"), ("?since=hour", "new"), ("?since=week", "new old older"), ("?since=x", "new old")],
)
def test_the_span_is_chosen_and_is_a_day_by_default(admin_client: Browser, query: str, shown: str) -> None:
    ada = make_client("Ada")
    ages = {"tool_new": 0, "tool_old": 2, "tool_older": 48}
    CallRecord.objects.bulk_create(build_refusal(ada, timedelta(hours=age), tool=name) for name, age in ages.items())
    page = text(admin_client.get(REFUSALS + query))
    assert [name for name in ages if f"<td>{name}</td>" in page] == [f"tool_{name}" for name in shown.split()]


def test_without_refusals_it_says_so(admin_client: Browser) -> None:
    assert "None: nothing was refused in this time." in text(admin_client.get(REFUSALS))


def test_many_groups_are_on_several_pages(admin_client: Browser) -> None:
    ada = make_client("Ada")
    CallRecord.objects.bulk_create(build_refusal(ada, tool=f"tool_{number}") for number in range(51))
    first = text(admin_client.get(REFUSALS))
    assert "Page 1 of 2" in first
    assert text(admin_client.get(f"{REFUSALS}?p=2")).count("<td>tool_") == 1
    assert admin_client.get(f"{REFUSALS}?p=nonsense").status_code == 200


def test_what_strangers_sent_is_shown_and_not_run(admin_client: Browser) -> None:
    client = make_client("", subject=HOSTILE, status=Client.Status.PENDING)
    build_refusal(client, tool=HOSTILE, reason="unknown_tool", token_scopes=HOSTILE).save()
    assert HOSTILE not in text(admin_client.get(REFUSALS))


def test_the_number_of_queries_does_not_grow_with_the_groups(admin_client: Browser) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            admin_client.get(REFUSALS)
        return len(captured)

    build_refusal(make_client("Ada")).save()
    few = queries()
    CallRecord.objects.bulk_create(build_refusal(make_client(f"Client {number}")) for number in range(20))
    assert queries() == few


def test_who_may_read_no_records_sees_no_refusals(client: Browser) -> None:
    browser = staff(client, "view_rule")
    assert browser.get(REFUSALS).status_code == 403
    assert f'href="{REFUSALS}"' not in text(browser.get("/admin/"))


def test_who_may_make_no_rules_is_offered_none(client: Browser) -> None:
    build_refusal(make_client("Ada")).save()
    page = text(staff(client, "view_callrecord").get(REFUSALS))
    assert "TimeTool" in page
    assert "/allow/" not in page


def test_strangers_are_sent_to_sign_in(client: Browser) -> None:
    assert client.get(REFUSALS).status_code == 302


# Clients that wait


def test_a_client_that_waits_is_made_active_or_blocked(admin_client: Browser, admin_user: User) -> None:
    newcomers = [make_client(name, status=Client.Status.PENDING) for name in ("Ada", "Bo")]
    assert "Clients that wait" in text(admin_client.get(REFUSALS))
    for newcomer, status in zip(newcomers, ("active", "blocked"), strict=True):
        page = text(admin_client.post(f"{REFUSALS}client/{newcomer.pk}/", {"status": status}, follow=True))
        assert f"Now {status}: {newcomer}." in page
        newcomer.refresh_from_db()
        assert newcomer.status == status
    assert "Clients that wait" not in page
    told = LogEntry.objects.filter(user=admin_user).order_by("pk").values_list("object_repr", "change_message")
    assert list(told) == [("Ada", "Now active."), ("Bo", "Now blocked.")]


@pytest.mark.parametrize(
    ("before", "status", "code"), [("blocked", "active", 302), ("pending", "pending", 404), ("pending", "x", 404)]
)
def test_only_clients_that_wait_are_settled_here(admin_client: Browser, before: str, status: str, code: int) -> None:
    client = make_client("Ada", status=before)
    assert admin_client.post(f"{REFUSALS}client/{client.pk}/", {"status": status}).status_code == code
    client.refresh_from_db()
    assert client.status == before


def test_who_may_only_view_clients_settles_none(client: Browser) -> None:
    newcomer = make_client("Ada", status=Client.Status.PENDING)
    browser = staff(client, "view_callrecord", "view_client")
    page = text(browser.get(REFUSALS))
    assert "Clients that wait" in page
    assert "Make active" not in page
    assert browser.post(f"{REFUSALS}client/{newcomer.pk}/", {"status": "active"}).status_code == 403
    assert browser.get(f"{REFUSALS}client/{newcomer.pk}/").status_code == 405


def test_who_may_not_view_clients_sees_none_that_wait(client: Browser) -> None:
    make_client("Ada", status=Client.Status.PENDING)
    assert "Clients that wait" not in text(staff(client, "view_callrecord").get(REFUSALS))
