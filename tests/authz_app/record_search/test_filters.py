"""Filters are answered by indexes.

What they leave is tested with the search, and with its pages.
"""

import pytest
from django.db import connection

from authz_app.models import CallRecord
from authz_app.record_search.filters import by_kind
from authz_app.record_search.paging import left_by
from tests.backlog import ON_POSTGRESQL, ON_SQLITE

pytestmark = pytest.mark.django_db


@pytest.fixture
def many_records() -> None:
    """Thousands of calls of tools in one session, which the database has looked at: on few it needs no index."""
    connection.ensure_connection()
    driver = connection.connection
    driver.execute(ON_SQLITE if connection.vendor == "sqlite" else ON_POSTGRESQL, [3_000])
    driver.execute("ANALYZE authz_app_callrecord")


@pytest.mark.database
@pytest.mark.usefixtures("many_records")
def test_records_of_anything_but_tools_are_found_by_an_index() -> None:
    query = left_by(CallRecord.objects.order_by("-id"), [by_kind(["prompt"])])[:50]
    assert "record_kind" in query.explain()


@pytest.mark.database
@pytest.mark.usefixtures("many_records")
def test_the_records_of_one_session_are_found_by_an_index() -> None:
    query = CallRecord.objects.filter(mcp_session="s1").order_by("-id")[:50]
    assert "record_session" in query.explain()
