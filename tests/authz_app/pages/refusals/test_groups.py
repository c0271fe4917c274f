"""Refusals, grouped."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from authz_app.models import CallRecord, Client
from authz_app.pages.refusals.groups import refusals_since
from tests.rows import build_record, build_refusal, make_client

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MINUTE, MILLISECOND = timedelta(minutes=1), timedelta(milliseconds=1)


@pytest.fixture
def ada() -> Client:
    return make_client("Ada")


def test_refusals_are_grouped_by_client_kind_and_name_the_latest_first(ada: Client) -> None:
    bo = make_client("Bo")
    records = [
        build_refusal(ada, 9 * MINUTE, tool="order", reason="scope_missing", token_scopes="a"),
        build_refusal(ada, 8 * MINUTE, tool="order", token_scopes="a"),
        build_refusal(ada, 7 * MINUTE, tool="order", token_scopes="a b"),
        build_refusal(ada, 6 * MINUTE, tool="order", kind="resource"),
        build_refusal(bo, 5 * MINUTE, tool="order"),
        build_record(ada, 4 * MINUTE, tool="order"),
        build_refusal(ada, 90 * MINUTE, tool="order"),
    ]
    CallRecord.objects.bulk_create(records)
    found = refusals_since(timezone.now() - 60 * MINUTE)
    assert found.since is None
    assert [(group.client_id, group.kind, group.count) for group in found.groups] == [
        (bo.pk, "tool", 1),
        (ada.pk, "resource", 1),
        (ada.pk, "tool", 3),
    ]
    of_ada = found.groups[2]
    assert of_ada.last_record == records[2].pk
    assert abs(of_ada.first - records[0].at) < MILLISECOND
    assert abs(of_ada.last - records[2].at) < MILLISECOND
    assert list(of_ada.reasons.items()) == [("no_rule", 2), ("scope_missing", 1)]
    assert of_ada.token_scopes == ["a b", "a"]


def test_of_very_many_the_newest_are_read_and_it_is_known_since_when(ada: Client) -> None:
    records = [build_refusal(ada, number * MINUTE, tool=f"tool_{number % 2}") for number in range(10)]
    CallRecord.objects.bulk_create(records)
    found = refusals_since(timezone.now() - 60 * MINUTE, most=4)
    assert sum(group.count for group in found.groups) == 4
    assert found.since is not None
    assert abs(found.since - records[3].at) < MILLISECOND


def test_none_are_none() -> None:
    assert refusals_since(timezone.now() - MINUTE).groups == []


def test_one_query_reads_them_by_an_index_that_bounds_it(ada: Client) -> None:
    build_refusal(ada).save()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        refusals_since(timezone.now() - MINUTE)
    assert len(queries) == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}")
            plan = " ".join(str(row[3]) for row in cursor.fetchall())
        assert "USING INDEX record_denied (decision=? AND id>?)" in plan
        assert "SCAN authz_app_callrecord" not in plan
