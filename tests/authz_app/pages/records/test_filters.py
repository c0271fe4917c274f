"""The filters of the list of call records.

Covers: authz_app.pages.shared.filters
"""

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from authz_app.models import CallRecord
from tests.authz_app.pages.browsing import RECORDS, found, text
from tests.rows import build_record, build_refusal, make_client

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_records_are_filtered(admin_client: Browser) -> None:
    one, two = make_client("One"), make_client("Two")
    hour = timedelta(hours=1)
    past = timezone.now() - hour
    open_call = {"outcome": "", "duration_ms": None}
    CallRecord.objects.bulk_create(
        [
            build_record(one, tool="ok"),
            build_record(two, 3 * hour, tool="crashed", outcome="crashed"),
            build_refusal(one, tool="denied", reason="deny_rule"),
            build_record(one, tool="running", **open_call),
            build_record(one, 30 * hour, tool="lost", **open_call | {"deadline": past}),
            build_record(one, 40 * hour, tool="unknown", outcome="unknown"),
        ]
    )

    def tools(query: str) -> set[str]:
        return set(found(admin_client, query))

    assert tools(f"client={two.pk}") == {"crashed"}
    assert tools("tool=ok") == {"ok"}
    assert tools("decision=denied") == {"denied"}
    assert tools("reason=deny_rule") == {"denied"}
    assert tools("outcome=crashed") == {"crashed"}
    assert tools("outcome=running") == {"running"}
    assert tools("outcome=unknown") == {"lost", "unknown"}
    assert tools("since=hour") == {"ok", "denied", "running"}
    assert tools("since=day") == {"ok", "denied", "running", "crashed"}
    assert tools("since=week&client=" + str(one.pk)) == {"ok", "denied", "running", "lost", "unknown"}


@pytest.mark.parametrize(
    "query",
    [
        "client=x",
        "client=-1",
        f"client={10**30}",
        f"client={'9' * 5000}",
        "client=²",
        "tool=%00",
        "reason=%00x",
        "session=%00x",
        "since=x",
        "outcome=x",
        "q=%00",
    ],
)
def test_a_nonsense_filter_finds_nothing_and_breaks_nothing(admin_client: Browser, query: str) -> None:
    build_record(make_client()).save()
    response = admin_client.get(f"{RECORDS}?{query}")
    assert response.status_code == 200
    assert not response.context["cl"].result_list


def test_records_of_one_session_are_reached_by_a_link(admin_client: Browser) -> None:
    caller = make_client()
    one, two = build_record(caller, tool="one", mcp_session="s1"), build_record(caller, tool="two", mcp_session="s2")
    CallRecord.objects.bulk_create([one, two, build_record(caller, tool="none", mcp_session="")])
    assert found(admin_client, "session=s1") == ["one"]
    assert found(admin_client, "session=s1&tool=two") == []
    page = text(admin_client.get(f"{RECORDS}{one.pk}/change/"))
    assert f'<a href="{RECORDS}?session=s1">Calls of this session</a>' in page
    assert "By MCP session" not in text(admin_client.get(RECORDS))


def test_records_are_narrowed_by_kind(admin_client: Browser) -> None:
    caller = make_client()
    kinds = ("tool", "resource", "prompt", "completion")
    CallRecord.objects.bulk_create(build_record(caller, kind=kind, tool=f"a_{kind}") for kind in kinds)
    for kind in kinds:
        assert found(admin_client, f"kind={kind}") == [f"a_{kind}"]
    assert found(admin_client, "kind=nonsense") == []
