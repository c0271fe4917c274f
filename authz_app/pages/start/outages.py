"""What the admin's start page says of an outage that is over."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from authz_app.audit.events import EventKind
from authz_app.models import AuditEvent

_RECENTLY = timedelta(days=1)


def notices() -> Sequence[str]:
    """A sentence, where records could not be written within the last day."""
    last = AuditEvent.objects.filter(kind=EventKind.OUTAGE.value).order_by("-id").first()
    return [] if last is None or last.at < datetime.now(UTC) - _RECENTLY else [_sentence(json.loads(last.details))]


def _sentence(told: dict[str, Any]) -> str:
    return (
        f"Call records could not be written from {_moment(told['from'])} to {_moment(told['until'])}, so the calls of"
        f" that time were not run; {told['calls_refused']} were refused. The database said: {told['cause']}"
    )


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"
