"""Globs mean the same in the database and without it."""

import pytest

from authz_app.models import CallRecord
from authz_app.record_search.globs import is_glob, matches
from tests.rows import build_record, make_client

TOOLS = ("weather_tool", "weather%tool", "Weather_tool", "a[b]c", "ab", "a\\b", "", "x" * 128)
GLOBS = ("weather_*", "*", "?b", "a[b]?", "a\\?", "*_tool", "weather?tool", "x*x", "")


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize("glob", GLOBS)
def test_both_find_the_same(glob: str) -> None:
    caller = make_client()
    CallRecord.objects.bulk_create(build_record(caller, tool=tool) for tool in TOOLS)
    found = set(CallRecord.objects.filter(tool__glob=glob).values_list("tool", flat=True))
    assert found == {tool for tool in TOOLS if matches(glob, tool)}


def test_brackets_are_no_wildcards() -> None:
    assert is_glob("a*")
    assert not is_glob("a[b]")
