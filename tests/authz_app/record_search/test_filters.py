"""Filters are answered by indexes.

What they leave is tested with the search, and with its pages.
"""

import pytest
from django.db import connection

from authz_app.models import CallRecord
from authz_app.record_search.filters import by_kind
from authz_app.record_search.paging import left_by

pytestmark = pytest.mark.django_db


@pytest.mark.database
def test_records_of_anything_but_tools_are_found_by_an_index() -> None:
    query = left_by(CallRecord.objects.order_by("-id"), [by_kind(["prompt"])])[:50]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = on")
    assert "record_kind" in query.explain()


@pytest.mark.database
def test_the_records_of_one_session_are_found_by_an_index() -> None:
    query = CallRecord.objects.filter(mcp_session="s1").order_by("-id")[:50]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    assert "record_session" in query.explain()
