"""Requests refused before anybody was known: grouped by cause, so that a flood of them makes a handful of events.

Belongs to one event loop.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from authz_app.audit.events import Event, EventKind, event
from authz_app.redaction.redact import redact_text
from authz_app.tokens.errors import AuthenticationError, InvalidToken, MissingToken

# A cause that is new is told soon, and one that goes on once in so many seconds.
SOON = 2.0
EVERY = 60.0
_LISTED = 20
_TEXT = 300
Cause = tuple[EventKind, str]
T = TypeVar("T")


@dataclass(slots=True)
class _Group:
    """What was refused for one cause. ``subjects`` are those of tokens whose signature was verified."""

    text: str
    first: datetime
    last: datetime
    count: int = 0
    addresses: dict[str, None] = field(default_factory=dict)
    subjects: dict[tuple[str, str], None] = field(default_factory=dict)
    unproved: int = 0


class RefusedRequests:
    """One worker's refusals. ``write`` takes an event for each cause that there was."""

    def __init__(self, write: Callable[[Event], object], worker: str) -> None:
        self._write = write
        self._worker = worker
        self._groups: dict[Cause, _Group] = {}
        self._written_at: dict[Cause, float] = {}

    def token(self, error: AuthenticationError, address: str) -> None:
        """A request was refused for its token. One without any is how every login begins, and no refusal."""
        if not isinstance(error, MissingToken):
            proved = error.proved if isinstance(error, InvalidToken) else None
            self._note((EventKind.TOKENS_REFUSED, type(error).__name__), str(error), address, proved)

    def request(self, error: str, text: str, address: str) -> None:
        """A request was refused for the site that it names, or the page that it comes from."""
        self._note((EventKind.REQUESTS_REFUSED, error), text, address, None)

    def flush(self) -> None:
        """Write what was noted until now."""
        for cause in list(self._groups):
            self._write_group(cause)

    def _note(self, cause: Cause, text: str, address: str, proved: tuple[str, str] | None) -> None:
        now = datetime.now(UTC)
        group = self._groups.get(cause)
        if group is None:
            group = self._groups[cause] = _Group(redact_text(text, _TEXT), now, now)
            wait = max(SOON, self._written_at.get(cause, -EVERY) + EVERY - time.monotonic())
            asyncio.get_running_loop().call_later(wait, self._write_group, cause)
        group.last = now
        group.count += 1
        _list(group.addresses, address)
        if proved is None:
            group.unproved += 1
        else:
            _list(group.subjects, proved)

    def _write_group(self, cause: Cause) -> None:
        group = self._groups.pop(cause, None)
        if group is None:
            return
        self._written_at[cause] = time.monotonic()
        self._write(_event(cause, group, self._worker))


def _list(listed: dict[T, None], item: T) -> None:
    """One more than is listed, at most: so it can be told that there are more."""
    if len(listed) <= _LISTED:
        listed[item] = None


def _event(cause: Cause, group: _Group, worker: str) -> Event:
    kind, name = cause
    addresses, subjects = list(group.addresses), list(group.subjects)
    issuer, subject = subjects[0] if len(subjects) == 1 and not group.unproved else ("", "")
    details = {
        "cause": name,
        "first": group.text,
        "from": group.first.isoformat(timespec="milliseconds"),
        "until": group.last.isoformat(timespec="milliseconds"),
        "addresses": addresses[:_LISTED],
        "more_addresses": len(addresses) > _LISTED,
        "subjects": [{"issuer": one[0], "subject": one[1]} for one in subjects[:_LISTED]],
        "more_subjects": len(subjects) > _LISTED,
    }
    return event(
        kind,
        {name: value for name, value in details.items() if value},
        count=group.count,
        address=addresses[0] if len(addresses) == 1 else "",
        issuer=issuer,
        subject=subject,
        worker=worker,
    )
