"""Counts requests that are refused before their caller is known, so that a flood makes few log lines and few events.

Whoever can reach the port can cause refusals; they must not be able to fill the disk with them.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from authz_app.audit.events import Event, EventKind, event
from authz_app.redaction.redact import redact_text
from authz_app.tokens.errors import AuthenticationError, InvalidToken, MissingToken

logger = logging.getLogger(__name__)

# A cause is logged at once, and then at most once in so many seconds.
LOG_EVERY = 10.0
# An event is written soon after a cause is new, and once in so many seconds while it goes on.
SOON = 2.0
EVERY = 60.0
_LISTED = 20
_TEXT = 300
Cause = tuple[EventKind, str]
T = TypeVar("T")


@dataclass(slots=True)
class _Refusals:
    """The refusals of one cause since its last event. ``subjects`` are those of tokens with a verified signature."""

    text: str
    first: datetime
    last: datetime
    count: int = 0
    addresses: dict[str, None] = field(default_factory=dict)
    subjects: dict[tuple[str, str], None] = field(default_factory=dict)
    unproved: int = 0


class RefusedRequests:
    """The refused requests of one worker. ``write`` takes an event for each cause. Belongs to one event loop."""

    def __init__(
        self, write: Callable[[Event], object], worker: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._worker = worker
        self._clock = clock
        self._groups: dict[Cause, _Refusals] = {}
        self._written_at: dict[Cause, float] = {}
        self._logged_at: dict[Cause, float] = {}
        self._unlogged: Counter[Cause] = Counter()

    def token(self, error: AuthenticationError, address: str) -> None:
        """A request was refused for its token. One without any is how every login begins, and no refusal."""
        if not isinstance(error, MissingToken):
            cause = EventKind.TOKENS_REFUSED, type(error).__name__
            self._log(cause, error)
            self._note(cause, str(error), address, error.proved if isinstance(error, InvalidToken) else None)

    def request(self, error: str, text: str, address: str) -> None:
        """A request was refused for the site that it names, or the page that it comes from."""
        self._note((EventKind.REQUESTS_REFUSED, error), text, address, None)

    def flush(self) -> None:
        """Write an event for each cause noted until now."""
        for cause in list(self._groups):
            self._write_group(cause)

    def _log(self, cause: Cause, error: AuthenticationError) -> None:
        now = self._clock()
        if now < self._logged_at.get(cause, -LOG_EVERY) + LOG_EVERY:
            self._unlogged[cause] += 1
            return
        self._logged_at[cause] = now
        more = self._unlogged.pop(cause, 0)
        logger.info("Refused a request (%s, %d more since the last such line): %s", cause[1], more, error)

    def _note(self, cause: Cause, text: str, address: str, proved: tuple[str, str] | None) -> None:
        now = datetime.now(UTC)
        group = self._groups.get(cause)
        if group is None:
            group = self._groups[cause] = _Refusals(redact_text(text, _TEXT), now, now)
            wait = max(SOON, self._written_at.get(cause, -EVERY) + EVERY - self._clock())
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
        self._written_at[cause] = self._clock()
        self._write(_event(cause, group, self._worker))


def _list(listed: dict[T, None], item: T) -> None:
    """Keep one more than is listed, at most: so an event can say that there are more."""
    if len(listed) <= _LISTED:
        listed[item] = None


def _event(cause: Cause, group: _Refusals, worker: str) -> Event:
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
