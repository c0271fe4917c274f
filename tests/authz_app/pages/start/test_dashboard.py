"""The start page of the admin."""

from datetime import UTC, datetime, timedelta

import pytest

from authz_app.audit.events import EventKind, event, record_now
from authz_app.pages.start.dashboard import outage_notices

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

TOLD = {
    "from": "2026-11-27T03:00:00.000+00:00",
    "until": "2026-11-27T03:01:00.000+00:00",
    "cause": "database is locked",
    "calls_refused": 12,
    "outcomes_kept": 1,
    "outcomes_lost": 0,
}


def test_the_last_outage_is_told_for_a_day() -> None:
    assert outage_notices() == []
    record_now(event(EventKind.OUTAGE, TOLD))
    assert outage_notices() == [
        "Call records could not be written from 2026-11-27 03:00:00 UTC to 2026-11-27 03:01:00 UTC, so the calls of"
        " that time were not run; 12 were refused. The database said: database is locked"
    ]


def test_what_was_long_ago_is_told_no_more() -> None:
    record_now(event(EventKind.OUTAGE, TOLD, at=datetime.now(UTC) - timedelta(days=2)))
    assert outage_notices() == []
