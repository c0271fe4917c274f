"""The start page of the admin.

Covers: authz_app.policy_store.tool_port
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client as Browser

from authz_app.audit.events import EventKind, event, record_now
from authz_app.models import Client
from authz_app.pages.start.dashboard import outage_notices
from authz_app.policy_store import tool_port
from tests.authz_app.pages.browsing import CLIENTS, staff, text
from tests.rows import build_refusal, make_client

pytestmark = [pytest.mark.django_db, pytest.mark.database]

TOLD = {
    "from": "2026-11-27T03:00:00.000+00:00",
    "until": "2026-11-27T03:01:00.000+00:00",
    "cause": "database is locked",
    "calls_refused": 12,
    "outcomes_kept": 1,
    "outcomes_lost": 0,
}


@pytest.mark.django_db(transaction=True)
def test_the_last_outage_is_told_for_a_day() -> None:
    assert outage_notices() == []
    record_now(event(EventKind.OUTAGE, TOLD))
    assert outage_notices() == [
        "Call records could not be written from 2026-11-27 03:00:00 UTC to 2026-11-27 03:01:00 UTC, so the calls of"
        " that time were not run; 12 were refused. The database said: database is locked"
    ]


@pytest.mark.django_db(transaction=True)
def test_what_was_long_ago_is_told_no_more() -> None:
    record_now(event(EventKind.OUTAGE, TOLD, at=datetime.now(UTC) - timedelta(days=2)))
    assert outage_notices() == []


def test_start_page_says_that_there_are_no_rules_and_no_calls_yet(admin_client: Browser) -> None:
    page = text(admin_client.get("/admin/"))
    assert "No rule is switched on" in page
    assert "No calls yet: connect a client to" in page


def test_start_page_names_pending_clients_and_refused_calls(admin_client: Browser) -> None:
    pending = make_client("Newcomer", status=Client.Status.PENDING)
    build_refusal(pending, tool="weather_tool", reason="client_pending").save()
    page = text(admin_client.get("/admin/"))
    assert f"{CLIENTS}{pending.pk}/change/" in page
    assert "weather_tool" in page
    assert "Client pending" in page


def test_start_page_tells_what_is_wrong_with_the_site(admin_client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_port, "_connected", replace(tool_port.connected(), notices=lambda: ["It rains <in>."]))
    assert "<p>It rains &lt;in&gt;.</p>" in text(admin_client.get("/admin/"))
    monkeypatch.setattr(tool_port, "_connected", replace(tool_port.connected(), notices=lambda: []))
    assert "Not as it should be" not in text(admin_client.get("/admin/"))


def test_start_page_shows_nothing_that_the_person_may_not_see(client: Browser) -> None:
    pending = make_client("Newcomer", status=Client.Status.PENDING)
    build_refusal(pending).save()
    page = text(staff(client).get("/admin/"))
    assert "Newcomer" not in page
    assert "Call records" not in page
    assert "How to connect" in page
