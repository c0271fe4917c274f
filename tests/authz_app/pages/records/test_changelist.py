"""The list of call records in the admin: searched, filtered, and paged by id."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser

from authz_app.models import CallRecord, User
from authz_app.pages.records import changelist
from authz_app.pages.records.admin import CallRecordAdmin
from authz_app.record_search import paging
from authz_app.record_search.qualifiers import QUALIFIERS
from tests.rows import build_record, make_client

RECORDS = "/admin/authz_app/callrecord/"
pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def six(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tools of six records, the newest first, of which a page has two."""
    caller = make_client("Report agent")
    CallRecord.objects.bulk_create(
        build_record(caller, timedelta(minutes=number), tool=f"t{number}") for number in range(6)
    )
    monkeypatch.setattr(CallRecordAdmin, "list_per_page", 2)
    return [f"t{number}" for number in range(6)]


def page(browser: Browser, query: str) -> str:
    response = browser.get(f"{RECORDS}{query}")
    assert response.status_code == 200
    return str(response.content.decode())


def tools(html: str) -> list[str]:
    return re.findall(r"\bt\d\b", re.sub(r"<[^>]+>", " ", html.partition('id="result_list"')[2]))


def link(html: str, words: str) -> str:
    """Where the link of these words leads; nowhere, if they are no link."""
    found = re.search(rf'<a href="([^"]*)"[^>]*>{words}</a>', html)
    return unescape(found[1]) if found else ""


def test_pages_go_down_to_the_oldest_and_up_again(admin_client: Browser, six: list[str]) -> None:
    html = page(admin_client, "")
    assert (tools(html), link(html, "Newer"), link(html, "Newest")) == (six[:2], "", "")
    html = page(admin_client, link(html, "Older"))
    html = page(admin_client, link(html, "Older"))
    assert (tools(html), link(html, "Older")) == (six[4:], "")
    html = page(admin_client, link(html, "Newer"))
    assert tools(html) == six[2:4]
    assert tools(page(admin_client, link(html, "Newest"))) == six[:2]
    html = page(admin_client, link(html, "Newer"))
    assert (tools(html), link(html, "Newer")) == (six[:2], "")


def test_what_is_chosen_stays_while_paging_and_a_new_choice_begins_with_the_newest(
    admin_client: Browser, six: list[str]
) -> None:
    html = page(admin_client, "?q=tool:t*&since=day")
    older = link(html, "Older")
    assert parse_qs(urlsplit(older).query).keys() == {"q", "since", "before"}
    html = page(admin_client, older)
    assert tools(html) == six[2:4]
    assert 'value="tool:t*"' in html
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
    assert hidden.get("since") == "day"
    assert "before" not in hidden


def test_the_way_back_from_a_record_leads_to_its_page_of_the_list(admin_client: Browser, six: list[str]) -> None:
    older = link(page(admin_client, "?q=report"), "Older")
    record = CallRecord.objects.get(tool=six[2])
    html = unescape(page(admin_client, older))
    [to_record] = re.findall(rf'href="({RECORDS}{record.pk}/change/[^"]*)"', html)
    [filters] = parse_qs(urlsplit(to_record).query)["_changelist_filters"]
    assert f"?{filters}" == older


@pytest.mark.parametrize("query", ["before=x", "after=x", "before=", f"before={'9' * 400}", "before=%00"])
def test_a_place_that_is_none_is_the_beginning(admin_client: Browser, six: list[str], query: str) -> None:
    assert tools(page(admin_client, f"?{query}")) == six[:2]


def test_a_search_that_means_nothing_shows_nothing_and_says_what_to_do(admin_client: Browser, six: list[str]) -> None:
    html = page(admin_client, "?q=clint:report")
    assert tools(html) == []
    assert "This search means nothing, so nothing is shown" in html
    assert "There is no qualifier clint:." in html
    assert "<script>" not in page(admin_client, "?q=<script>:x")


def test_the_page_says_how_far_it_looked_and_looks_further(
    admin_client: Browser, six: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "_FIRST_WINDOW", 3)
    monkeypatch.setattr(changelist, "clock", lambda: lambda: True)
    html = page(admin_client, "?q=args:berlin -tool:t0,t1,t2,t3,t4")
    assert tools(html) == []
    assert "Nothing found among 3 records, as far back as" in " ".join(html.split())
    assert tools(page(admin_client, link(html, "look further"))) == six[5:]


def test_the_box_tells_every_qualifier(admin_client: Browser) -> None:
    html = unescape(page(admin_client, ""))
    assert all(f"<code>{qualifier.example}</code>" in html for qualifier in QUALIFIERS.values())


def test_searching_in_arguments_needs_their_permission(client: Browser, six: list[str]) -> None:
    clerk = User.objects.create_user("clerk", password="x", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_callrecord"))
    client.force_login(clerk)
    html = page(client, "?q=args:Berlin")
    assert tools(html) == []
    assert "takes the permission “Can view recorded arguments”" in html
    assert tools(page(client, "?q=report")) == six[:2]


def test_a_search_survives_the_way_through_sign_in(client: Browser, six: list[str]) -> None:
    User.objects.create_superuser("admin", password="correct horse battery")
    wanted = f"{RECORDS}?q=tool%3At4+since%3A1d&decision=allowed"
    asked = client.get(wanted)
    answer = client.post(asked["Location"], {"username": "admin", "password": "correct horse battery"}, follow=True)
    assert answer.redirect_chain[-1][0] == wanted
    assert tools(answer.content.decode()) == ["t4"]
