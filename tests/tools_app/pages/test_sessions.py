"""The admin page of open MCP sessions: what it shows, to whom, and how it ends them.

Covers: tools_app.pages.session_rows
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from authz_app.models import CallRecord, Client, User
from authz_app.tokens.claims import MAX_TIME
from tests.rows import ISSUER, build_record, make_client
from tools_app.pages import sessions as sessions_page
from tools_app.sessions.session import McpSessionState, SessionsUnavailable
from tools_app.worker.process import process_worker
from tools_app.worker.worker import Worker

SESSIONS = "/admin/tools_app/mcpsession/"
HOSTILE = "<script>alert(1)</script>\u202e"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def here(transactional_db: None) -> Iterator[Worker]:
    """This process's worker, with no sessions yet."""
    process_worker.cache_clear()
    yield process_worker()
    process_worker().stop()
    process_worker.cache_clear()


def open_session(key: str = "k1", subject: str = "report-agent@clients", **fields: Any) -> McpSessionState:
    defaults = {
        "worker": "worker-1",
        "expires_at": time.time() + 3600,
        "address": "203.0.113.7",
        "client_info": {"name": "desktop", "version": "1.2"},
    }
    session = McpSessionState(key, (ISSUER, subject, "Zk3fX0hYpQ7uV2mB9sT1"), **{**defaults, **fields})
    async_to_sync(process_worker().sessions.open)(session, 10_000)
    return session


def open_keys() -> set[str]:
    return {session.key for session in async_to_sync(process_worker().sessions.listed)()}


def staff(client: Browser, *codenames: str) -> Browser:
    user = User.objects.create_user("clerk", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def listed(browser: Browser, query: str = "") -> str:
    response = browser.get(SESSIONS + query)
    assert response.status_code == 200
    return str(response.content.decode())


def end(browser: Browser, *keys: str) -> str:
    chosen = {"action": "end", "_selected_action": keys, "index": "0"}
    return str(browser.post(SESSIONS, chosen, follow=True).content.decode())


def rows(page: str) -> list[str]:
    """The text of each row's cells."""
    found = re.findall(r'<tr class="data-row.*?</tr>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in found]


class Unreachable:
    """A store that is out of reach from the given step on."""

    def __init__(self, reaches_list: bool) -> None:
        self._reaches_list = reaches_list
        self._stored = process_worker().sessions

    async def listed(self) -> list[McpSessionState]:
        if self._reaches_list:
            return await self._stored.listed()
        raise SessionsUnavailable("The MCP sessions cannot be reached right now.")

    async def delete(self, key: str) -> None:
        raise SessionsUnavailable("The MCP sessions cannot be reached right now.")


# What it shows


def test_without_sessions_the_page_says_so(admin_client: Browser) -> None:
    page = listed(admin_client)
    assert "No open MCP sessions." in page
    assert "Software (unverified)" not in page


def test_a_session_shows_who_has_it_since_when_from_where_and_with_what(admin_client: Browser) -> None:
    client = make_client("Report agent")
    open_session(opened_at=1_790_000_000.0, expires_at=4_000_000_000.0)
    page = listed(admin_client)
    assert rows(page) == [
        "Report agent report-agent@clients, https://tenant.auth0.example/ OAuth client ID Zk3fX0hYpQ7uV2mB9sT1"
        " 2026-09-21 14:13:20 UTC until 2096-10-02 07:06:40 UTC 203.0.113.7 desktop 1.2 HTTP+SSE 0 · events worker-1"
    ]
    assert f'href="/admin/authz_app/client/{client.pk}/change/"' in page
    assert "Software (unverified)" in page


def test_a_session_whose_latest_token_has_expired_is_said_to_wait_for_the_next(admin_client: Browser) -> None:
    open_session(opened_at=1_790_000_000.0, expires_at=1_790_003_600.0)
    (row,) = rows(listed(admin_client))
    assert "2026-09-21 14:13:20 UTC waits for a valid token since 2026-09-21 15:13:20 UTC" in row


def test_a_session_over_streamable_http_is_said_to_be_one_and_is_no_worker_s(admin_client: Browser) -> None:
    open_session(worker="", transport="streamable", client_info=None)
    assert rows(listed(admin_client))[0].endswith("203.0.113.7 — Streamable HTTP 0 · events any")


def test_an_unknown_client_is_shown_by_its_subject(admin_client: Browser) -> None:
    open_session(subject="somebody")
    assert rows(listed(admin_client))[0].startswith("somebody https://tenant.auth0.example/ OAuth client ID")


def test_a_client_is_not_named_for_the_same_subject_of_another_issuer(admin_client: Browser) -> None:
    make_client("Impostor", issuer="https://other.example/", subject="report-agent@clients")
    open_session()
    assert "Impostor" not in listed(admin_client)


def test_sessions_are_listed_newest_first(admin_client: Browser) -> None:
    for key, opened_at in (("k1", 2.0), ("k2", 3.0), ("k3", 1.0)):
        open_session(key, subject=key, opened_at=opened_at)
    assert [row.split()[0] for row in rows(listed(admin_client))] == ["k2", "k1", "k3"]


def test_calls_are_counted_and_lead_to_their_records(admin_client: Browser) -> None:
    client = make_client()
    open_session("k1", subject="one")
    open_session("k2", subject="two", opened_at=1.0)
    mine = [build_record(client, mcp_session="k1", tool=f"t{number}") for number in range(3)]
    CallRecord.objects.bulk_create([*mine, build_record(client, mcp_session="other", tool="elsewhere")])
    page = listed(admin_client)
    assert [row.split()[-4] for row in rows(page)] == ["3", "0"]
    link = "/admin/authz_app/callrecord/?session=k1"
    assert f'href="{link}"' in page
    found = admin_client.get(link).context["cl"].result_list
    assert {record.tool for record in found} == {"t0", "t1", "t2"}


@pytest.mark.parametrize(
    "client_info",
    [
        {"name": HOSTILE, "version": HOSTILE},
        {"name": "x" * 100_000},
        {"name": 7, "version": ["1"]},
        {},
        None,
        "desktop",
    ],
)
def test_whatever_a_client_says_of_itself_is_shown_short_and_not_run(admin_client: Browser, client_info: Any) -> None:
    open_session(client_info=client_info, address=HOSTILE[:45])
    page = listed(admin_client)
    assert "<script>alert(1)" not in page
    assert "\u202e" not in page
    assert "x" * 91 not in page
    assert len(rows(page)) == 1


def test_hostile_names_of_owners_are_shown_and_not_run(admin_client: Browser) -> None:
    make_client(HOSTILE, subject=HOSTILE)
    open_session(subject=HOSTILE)
    for page in (listed(admin_client), end(admin_client, "k1")):
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "\u202e" not in page


def test_a_token_that_lasts_as_long_as_a_token_can_does_not_break_the_page(admin_client: Browser) -> None:
    open_session(expires_at=MAX_TIME + 30.0)
    assert "9999-12-31 23:59:59 UTC" in listed(admin_client)


def test_the_page_takes_no_query_per_session(
    admin_client: Browser, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        make_client(f"Client {number}", subject=f"s{number}")
        open_session(f"k{number}", subject=f"s{number}")
    with django_assert_max_num_queries(6):
        admin_client.get(SESSIONS)


def test_only_the_newest_are_shown_and_the_page_says_of_how_many(
    admin_client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_page, "MOST", 2)
    for number in range(3):
        open_session(f"k{number}", subject=f"s{number}", opened_at=float(number))
    page = listed(admin_client)
    assert [row.split()[0] for row in rows(page)] == ["s2", "s1"]
    assert "The newest 2 of 3 open MCP sessions." in page


@pytest.mark.parametrize("term", ["report", "S1", "203.0.113.9", "inspector", "worker-9"])
def test_a_session_is_found_by_its_client_address_software_or_worker(admin_client: Browser, term: str) -> None:
    make_client("Report agent", subject="s1")
    open_session("k1", "s1", address="203.0.113.9", client_info={"name": "inspector"}, worker="worker-9")
    open_session("k2", "other")
    found = rows(listed(admin_client, f"?q={term}"))
    assert len(found) == 1 and "s1" in found[0]


def test_a_search_that_finds_nothing_does_not_say_that_there_are_no_sessions(admin_client: Browser) -> None:
    open_session()
    page = listed(admin_client, "?q=nobody")
    assert "No open MCP sessions." not in page
    assert "Nothing matches" in page


@pytest.mark.parametrize("query", ["?q=", "?q=%00", "?p=99", "?p=x", "?all=", "?o=1.-2", "?q=%"])
def test_a_strange_query_breaks_nothing(admin_client: Browser, query: str) -> None:
    open_session()
    listed(admin_client, query)


# Ending


def test_ending_a_session_ends_it_says_so_and_notes_who_did_it(admin_client: Browser, admin_user: User) -> None:
    make_client("Report agent")
    open_session("k1", opened_at=1_790_000_000.0)
    open_session("k2", subject="other")
    page = end(admin_client, "k1")
    assert "Ended: MCP session of Report agent, opened 2026-09-21 14:13:20 UTC." in page
    assert "running calls were cancelled" in page
    assert open_keys() == {"k2"}
    entry = LogEntry.objects.get()
    assert (entry.user, entry.action_flag, entry.object_id) == (admin_user, DELETION, "k1")
    assert entry.object_repr == "MCP session of Report agent, opened 2026-09-21 14:13:20 UTC"


def test_many_are_ended_at_once(admin_client: Browser) -> None:
    keys = [open_session(f"k{number}").key for number in range(5)]
    assert "and 2 more" in end(admin_client, *keys)
    assert not open_keys()
    assert LogEntry.objects.count() == 5


@pytest.mark.parametrize("key", ["gone", "", HOSTILE, "k" * 10_000, "\x00"])
def test_ending_what_is_not_open_changes_nothing_and_says_so(admin_client: Browser, key: str) -> None:
    open_session()
    assert "Nothing changed: they had ended already." in end(admin_client, key)
    assert open_keys() == {"k1"}
    assert not LogEntry.objects.exists()


def test_nothing_is_ended_by_a_link(admin_client: Browser) -> None:
    open_session()
    admin_client.get(f"{SESSIONS}?action=end&_selected_action=k1&index=0", follow=True)
    assert open_keys() == {"k1"}


def test_a_store_out_of_reach_is_said_and_no_page_breaks(
    admin_client: Browser, here: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_session()
    monkeypatch.setattr(here.workers, "sessions", Unreachable(reaches_list=False))
    for page in (listed(admin_client), listed(admin_client, "?q=x")):
        assert "The MCP sessions cannot be reached right now." in page
        assert "No open MCP sessions." not in page
        assert "Nothing matches" not in page
    assert "Nothing was ended. The MCP sessions cannot be reached right now." in end(admin_client, "k1")
    assert not LogEntry.objects.exists()


def test_what_was_perhaps_not_ended_is_not_said_to_have_ended(
    admin_client: Browser, here: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_session()
    monkeypatch.setattr(here.workers, "sessions", Unreachable(reaches_list=True))
    page = end(admin_client, "k1")
    assert "Not ended, as far as can be told: MCP session of report-agent@clients" in page
    assert "Ended:" not in page
    assert not LogEntry.objects.exists()


# Permissions


def test_the_page_needs_its_permission(client: Browser) -> None:
    browser = staff(client, "view_tool", "view_callrecord", "end_mcpsession")
    assert browser.get(SESSIONS).status_code == 403
    assert "mcpsession" not in browser.get("/admin/").content.decode()


def test_strangers_are_asked_to_sign_in(client: Browser) -> None:
    open_session()
    assert client.get(SESSIONS).status_code == 302
    assert client.post(SESSIONS, {"action": "end", "_selected_action": ["k1"]}).status_code == 302
    assert open_keys() == {"k1"}


def test_viewing_sessions_does_not_allow_to_end_them(client: Browser) -> None:
    open_session()
    browser = staff(client, "view_mcpsession")
    assert 'name="action"' not in listed(browser)
    end(browser, "k1")
    assert open_keys() == {"k1"}


def test_who_may_end_sessions_ends_them(client: Browser) -> None:
    open_session()
    assert "Ended: " in end(staff(client, "view_mcpsession", "end_mcpsession"), "k1")
    assert not open_keys()


def test_who_may_not_see_clients_and_records_gets_neither_link_nor_number(client: Browser) -> None:
    build_record(make_client("Report agent"), mcp_session="k1").save()
    open_session()
    page = listed(staff(client, "view_mcpsession"))
    assert "/admin/authz_app/" not in page
    assert rows(page)[0].endswith("desktop 1.2 HTTP+SSE — worker-1")


@pytest.mark.parametrize(
    "path",
    [
        "add/",
        "k1/change/",
        "k1/delete/",
        "k1/history/",
        "/admin/autocomplete/?app_label=tools_app&model_name=mcpsession&field_name=key",
    ],
)
def test_a_session_has_no_pages_of_its_own_and_no_other_way_to_be_changed(admin_client: Browser, path: str) -> None:
    open_session()
    url = urljoin(SESSIONS, path)
    assert admin_client.get(url).status_code in (302, 403)
    assert admin_client.post(url, {"post": "yes"}).status_code in (302, 403, 405)
    assert open_keys() == {"k1"}


def test_a_model_without_a_table_does_not_break_dumpdata(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("dumpdata", "tools_app", "--all")
    assert "tools_app.mcpsession" not in {row["model"] for row in json.loads(capsys.readouterr().out)}


def test_the_sidebar_has_sessions_after_call_records(admin_client: Browser) -> None:
    page = admin_client.get("/admin/").content.decode()
    assert page.index('callrecord/" class="flex') < page.index('mcpsession/" class="flex') < page.index("Embedded")


def test_clients_are_found_without_a_row_being_registered(admin_client: Browser) -> None:
    open_session()
    listed(admin_client)
    assert not Client.objects.exists()
