"""The admin pages of call records: the list, and the page of each.

Covers: authz_app.pages.shared.read_only
"""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from authz_app.models import CallRecord
from authz_app.policy.decision import Reason
from tests.authz_app.pages.browsing import CLIENTS, RECORDS, RULES, found, text
from tests.rows import build_record, build_refusal, make_client, make_rule

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["add/", "{}/delete/"])
def test_nobody_adds_or_deletes_records(admin_client: Browser, path: str) -> None:
    record = build_record(make_client())
    record.save()
    assert admin_client.post(RECORDS + path.format(record.pk), {"post": "yes"}).status_code == 403
    assert CallRecord.objects.exists()


def test_nobody_changes_records(admin_client: Browser) -> None:
    record = build_record(make_client())
    record.save()
    assert admin_client.post(f"{RECORDS}{record.pk}/change/", {"tool": "other"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [record.pk], "post": "yes"}
    admin_client.post(RECORDS, chosen)
    assert CallRecord.objects.get().tool == "TimeTool"


def test_a_record_tells_its_story(admin_client: Browser) -> None:
    caller = make_client("Report agent")
    rule = make_rule(caller)
    rules = [{"id": rule.pk, "sentence": "As it was."}, {"id": 10**6, "sentence": "Since deleted."}]
    record = build_record(caller, rules=json.dumps(rules))
    record.save()
    page = text(admin_client.post(f"/admin/records/{record.pk}/look/", follow=True))
    for part in (
        "Report agent called TimeTool, which was allowed. Outcome: OK after 3.2 ms.",
        f'<a href="{CLIENTS}{caller.pk}/change/">Report agent</a>',
        "unverified",
        "&quot;input_timezone&quot;: &quot;Europe/Berlin&quot;",
        "A rule allows this, and no rule denies it.",
        "<span>As it was.</span>",
        f'<a href="{RULES}{rule.pk}/change/">as it is now</a>',
        "Rule 1000000: when it became so is not in the history",
        "deleted since",
        "203.0.113.7",
    ):
        assert part in page


def test_a_denied_record_has_no_run(admin_client: Browser) -> None:
    record = build_refusal(make_client("Report agent"), tool="rm", reason="unknown_tool")
    record.save()
    page = text(admin_client.get(f"{RECORDS}{record.pk}/change/"))
    assert "Report agent asked to call rm and was refused. No tool of this name was registered." in page
    assert "Duration" not in page


def test_a_record_outlives_its_client(admin_client: Browser) -> None:
    caller = make_client("Report agent")
    record = build_record(caller)
    record.save()
    caller.delete()
    page = text(admin_client.get(f"{RECORDS}{record.pk}/change/"))
    assert "Report agent" in page
    assert "deleted since" in page


def test_unreadable_json_in_a_record_is_shown_as_it_is(admin_client: Browser) -> None:
    record = build_record(make_client(), arguments="{broken", rules="{broken")
    record.save()
    assert "{broken" in text(admin_client.post(f"/admin/records/{record.pk}/look/", follow=True))


def test_records_are_listed_newest_first(admin_client: Browser) -> None:
    caller = make_client()
    CallRecord.objects.bulk_create(
        [build_record(caller, timedelta(minutes=minutes), tool=f"t{minutes}") for minutes in (2, 0, 1)]
    )
    assert found(admin_client, "") == ["t0", "t1", "t2"]


def test_records_are_searched_by_id_subject_and_client_name(admin_client: Browser) -> None:
    one, two = make_client("Report agent", subject="abc@clients"), make_client("Other")
    first, second = build_record(one, tool="one"), build_record(two, tool="two")
    CallRecord.objects.bulk_create([first, second])
    assert found(admin_client, f"q={first.pk}") == ["one"]
    assert found(admin_client, f"q={second.pk.hex}") == ["two"]
    assert found(admin_client, "q=abc@clients") == ["one"]
    assert found(admin_client, "q=report") == ["one"]
    assert found(admin_client, "q=agent") == []


def test_a_page_beyond_the_last_says_so(admin_client: Browser) -> None:
    build_record(make_client()).save()
    assert "There are no more." in text(admin_client.get(f"{RECORDS}?before={UUID(int=0)}"))


def test_listing_records_counts_none(admin_client: Browser, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    CallRecord.objects.bulk_create(build_record(make_client(f"c{n}")) for n in range(3))
    with django_assert_num_queries(7) as captured:  # One asks whether all calls are stopped.
        admin_client.get(RECORDS)
    statements = [query["sql"] for query in captured.captured_queries if "callrecord" in query["sql"]]
    assert len(statements) == 2
    assert not any("COUNT" in statement or '"arguments"' in statement for statement in statements)


@pytest.mark.parametrize(
    ("kind", "shown", "allowed", "refused"),
    [
        ("tool", "order", "called order, which", "asked to call order and was refused. No tool of this name"),
        (
            "resource",
            "resource order",
            "read the resource order, which",
            "asked to read the resource order and was refused. No resource of this URI",
        ),
        ("prompt", "prompt order", "used the prompt order, which", "asked to use the prompt order and was refused."),
        ("completion", "completion for order", "asked for completions for order, which", "No prompt or resource"),
    ],
)
def test_a_record_says_what_kind_of_thing_was_asked_for(
    admin_client: Browser, kind: str, shown: str, allowed: str, refused: str
) -> None:
    caller = make_client("Report agent")
    ran = build_record(caller, kind=kind, tool="order")
    denied = build_refusal(caller, kind=kind, tool="order", reason="unknown_tool")
    CallRecord.objects.bulk_create([ran, denied])
    assert f">{shown}<" in text(admin_client.get(RECORDS)).replace("\n", "").replace("  ", "")
    assert f"Report agent {allowed} was allowed." in text(admin_client.get(f"{RECORDS}{ran.pk}/change/"))
    assert refused in text(admin_client.get(f"{RECORDS}{denied.pk}/change/"))


def test_a_result_that_did_not_arrive_is_told_in_the_list_and_on_the_page(admin_client: Browser) -> None:
    caller = make_client("Report agent")
    lost = build_record(caller, undelivered=True)
    CallRecord.objects.bulk_create([lost, build_record(caller)])
    assert text(admin_client.get(RECORDS)).count("OK, not delivered") == 1
    page = text(admin_client.get(f"{RECORDS}{lost.pk}/change/"))
    assert "Outcome: OK after 3.2 ms. The result did not reach the caller, as far as the worker knows." in page
    assert "OK, not delivered" in page
    assert "OK, not delivered" in text(admin_client.get(f"{CLIENTS}{caller.pk}/change/"))


def test_a_refused_session_is_told_as_one(admin_client: Browser) -> None:
    refused = build_refusal(make_client(), kind="session", tool="", reason=Reason.CLIENT_BLOCKED)
    refused.save()
    page = admin_client.get(f"{RECORDS}{refused.pk}/change/").content.decode()
    assert "asked for an MCP session and was refused. The client was blocked" in page
    assert "(MCP session)" in admin_client.get(RECORDS).content.decode()
    assert "(MCP session)" in admin_client.get("/admin/").content.decode()
