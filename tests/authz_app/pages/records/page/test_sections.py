"""The page of a call record tells what happened, in the order in which it did, and leads on.

Covers: authz_app.pages.records.page.caller, authz_app.pages.records.page.decision,
  authz_app.pages.records.page.fields, authz_app.pages.records.page.neighbours,
  authz_app.pages.records.page.run, authz_app.pages.records.page.session
"""

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from authz_app.audit.events import EventKind, event, record_with
from authz_app.models import CallRecord, PolicyEdit, Rule
from authz_app.policy_store.loading import stored_version
from tests.rows import build_record, build_refusal, make_client, make_rule

RECORDS = "/admin/authz_app/callrecord/"
MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


def page(browser: Browser, record: CallRecord) -> str:
    response = browser.get(f"{RECORDS}{record.pk}/change/")
    assert response.status_code == 200
    return " ".join(unescape(response.content.decode()).split())


def of_one_session(count: int, **fields: Any) -> list[CallRecord]:
    """Calls of one session, the oldest first."""
    caller = make_client("Report agent")
    records = [build_record(caller, (count - number) * MINUTE, tool=f"t{number}", **fields) for number in range(count)]
    CallRecord.objects.bulk_create(records)
    return records


def test_its_parts_stand_in_the_order_of_what_happened(admin_client: Browser) -> None:
    [record] = of_one_session(1)
    titles = re.findall(r"<h2[^>]*>\s*(.*?)\s*</h2>", page(admin_client, record))
    assert [title for title in titles if title in {"Token", "Session", "Asked for", "Decision", "Run", "Proof"}] == [
        *("Token", "Session", "Asked for", "Decision", "Run", "Proof"),
    ]


def test_each_of_its_fields_is_told_once(
    admin_client: Browser, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    [record] = of_one_session(1)
    with django_assert_max_num_queries(30):
        page(admin_client, record)


def test_what_was_refused_did_not_run(admin_client: Browser) -> None:
    refused = build_refusal(make_client())
    refused.save()
    html = page(admin_client, refused)
    assert "The result was sent" not in html
    assert not re.search(r"<h2[^>]*>\s*Run\s*</h2>", html)


@pytest.mark.database
def test_it_leads_to_the_calls_around_it(admin_client: Browser) -> None:
    first, middle, last = of_one_session(3)
    html = page(admin_client, middle)
    for neighbour in (first, last):
        assert html.count(f'href="{RECORDS}{neighbour.pk}/change/"') == 2  # of the session, and of the client
    assert page(admin_client, first).count("<span>none</span>") == 2


@pytest.mark.database
def test_it_says_when_its_session_was_opened_and_how_many_calls_came_before(admin_client: Browser) -> None:
    first, _, last = of_one_session(3, mcp_session="f00d")
    assert "Not recorded; no later than" in page(admin_client, last)
    record_with(event(EventKind.SESSION_OPENED, mcp_session="f00d", address="203.0.113.99"))
    html = page(admin_client, last)
    assert " from 203.0.113.99" in html
    assert f'<a href="{RECORDS}?session=f00d&before={last.pk}">2</a>' in html
    assert "None: this is its first." in page(admin_client, first)


def test_a_call_without_a_session_says_so(admin_client: Browser) -> None:
    [record] = of_one_session(1, mcp_session="")
    assert "None: the request came without one." in page(admin_client, record)


@pytest.mark.database
@pytest.mark.django_db(transaction=True)  # On PostgreSQL a change has its version once it has committed.
def test_a_rule_is_shown_as_it_was_then(admin_client: Browser) -> None:
    caller = make_client()
    rule = make_rule(caller)
    then = PolicyEdit.objects.latest("pk").pk
    make_rule(caller, tools="other")
    version = stored_version()
    Rule.objects.filter(pk=rule.pk).update(tools="later")
    record = build_record(caller, rules=json.dumps([{"id": rule.pk, "sentence": "As it was."}]), policy_version=version)
    record.save()
    html = page(admin_client, record)
    assert f'<a href="/admin/authz_app/policyedit/{then}/change/">Rule {rule.pk} as it was then</a>' in html
    assert f'<a href="{RECORDS}?q=rule%3A{rule.pk}">calls that it decided</a>' in html


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::1"])
def test_it_leads_to_all_calls_from_its_address(admin_client: Browser, address: str) -> None:
    [record] = of_one_session(1, address=address)
    [link] = re.findall(rf'href="({RECORDS}\?q=address[^"]*)"', page(admin_client, record))
    assert [found.pk for found in admin_client.get(link).context["cl"].result_list] == [record.pk]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "The result was sent, and nothing is known to have gone wrong with it."),
        ({"undelivered": True}, "The result did not reach the caller, as far as the worker knows."),
    ],
)
def test_it_says_whether_the_result_arrived(admin_client: Browser, fields: dict[str, Any], told: str) -> None:
    [record] = of_one_session(1, **fields)
    assert told in page(admin_client, record)
