"""Points in time as a search names them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from authz_app.core.ids import first_id_at
from authz_app.record_search.times import end_of, start_of

EAST = timezone(timedelta(hours=2))
NOW = datetime(2026, 11, 27, 1, 30, tzinfo=EAST)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("90m", NOW - timedelta(minutes=90), NOW - timedelta(minutes=90)),
        ("2D", NOW - timedelta(days=2), NOW - timedelta(days=2)),
        ("4w", NOW - timedelta(weeks=4), NOW - timedelta(weeks=4)),
        ("today", datetime(2026, 11, 27, tzinfo=EAST), datetime(2026, 11, 28, tzinfo=EAST)),
        ("yesterday", datetime(2026, 11, 26, tzinfo=EAST), datetime(2026, 11, 27, tzinfo=EAST)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=EAST), datetime(2026, 11, 21, tzinfo=EAST)),
        ("2026-11-20T14:30", *[datetime(2026, 11, 20, 14, 30, tzinfo=EAST)] * 2),
        ("2026-11-20T14:30Z", *[datetime(2026, 11, 20, 14, 30, tzinfo=UTC)] * 2),
    ],
)
def test_a_moment_is_named(text: str, start: datetime, end: datetime) -> None:
    assert start_of(text, NOW) == start
    assert end_of(text, NOW) == end


@pytest.mark.parametrize("text", ["", "2", "d", "2y", "tomorrow", "2026-13-01", "0001-01-01", "9999-12-31", "²d"])
def test_what_names_no_moment_is_none(text: str) -> None:
    assert start_of(text, NOW) is None
    assert end_of(text, NOW) is None


@given(st.text() | st.from_regex(r"\d{1,5}[mhdw]") | st.datetimes().map(str) | st.dates().map(str))
def test_no_text_breaks_it_and_every_moment_has_an_id(text: str) -> None:
    for found in (start_of(text, NOW), end_of(text, NOW)):
        assert found is None or first_id_at(found).int >= 0
