"""All pages of the admin: who sees them, in which order, and that they are quick and harmless.

Covers: authz_app.pages.urls
"""

import json

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from authz_app.models import CallRecord
from tests.authz_app.pages.browsing import CLIENTS, HOSTILE, RECORDS, RULES, staff, text
from tests.rows import build_record, build_refusal, make_client, make_rule

pytestmark = pytest.mark.django_db


def test_sidebar_has_the_groups_in_their_order(admin_client: Browser) -> None:
    page = text(admin_client.get("/admin/"))
    links = ["client/", "rule/", "tool/", "callrecord/", "mcpsession/", "user/", "group/"]
    places = [page.index(f'{link}" class="flex') for link in links]
    assert places == sorted(places)


@pytest.mark.parametrize("path", [CLIENTS, RULES, RECORDS, "/admin/authz_app/user/", "/admin/auth/group/"])
def test_every_list_needs_its_permission(client: Browser, path: str) -> None:
    assert staff(client).get(path).status_code == 403


def test_hostile_content_is_shown_and_not_run(admin_client: Browser) -> None:
    caller = make_client(HOSTILE)
    strange = f"{HOSTILE}\u202e\x1b[2J"
    record = build_record(
        caller,
        tool=strange,
        arguments=json.dumps({"a": strange}),
        rules=json.dumps([{"id": 1, "sentence": strange}]),
        error=strange,
        **dict.fromkeys(("oauth_client_id", "token_scopes", "client_software", "address", "mcp_session"), HOSTILE),
    )
    refusal = build_refusal(caller, tool=strange)
    CallRecord.objects.bulk_create([record, refusal])
    pages = [RECORDS, f"{RECORDS}{record.pk}/change/", f"{CLIENTS}{caller.pk}/change/", CLIENTS, "/admin/"]
    for path in pages:
        page = text(admin_client.get(path))
        assert "<script>alert(1)" not in page, path
        assert "&lt;script&gt;alert(1)" in page, path
    assert "\\u202e\\u001b[2J" in text(admin_client.get(RECORDS))


def test_empty_lists_say_what_will_fill_them(admin_client: Browser) -> None:
    assert "No calls yet" in text(admin_client.get(RECORDS))
    assert "No rules yet" in text(admin_client.get(RULES))
    assert "No clients yet" in text(admin_client.get(CLIENTS))
    assert "Nothing matches" in text(admin_client.get(f"{RECORDS}?tool=x"))


@pytest.mark.parametrize(
    ("path", "most"),
    [(CLIENTS, 12), (RULES, 9), (RECORDS, 7), ("/admin/", 12)],
)
def test_lists_take_no_query_per_row(
    admin_client: Browser, django_assert_max_num_queries: DjangoAssertNumQueries, path: str, most: int
) -> None:
    for number in range(12):
        caller = make_client(f"Client {number}")
        make_rule(caller)
        CallRecord.objects.bulk_create([build_record(caller), build_refusal(caller)])
    with django_assert_max_num_queries(most):
        admin_client.get(path)
