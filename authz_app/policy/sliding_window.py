"""Count calls within a sliding window. Pure.

Never more than a limit's number of calls lie in any window of its length. Limits of up to a hundred calls keep the
moment of each. Larger ones count in steps of a hundredth of their length, as if all calls of a step came at its end,
which may hold a call back for as long as a step, and never lets one through. So a tally has about a hundred entries.
"""

from collections.abc import Sequence
from math import floor

import orjson

from authz_app.audit.entries import Allowance, Spent

_ENTRIES = 100


class Tally:
    """The calls that still count against one limit. Times are in seconds since the epoch, on the database's clock."""

    def __init__(self, allowance: Allowance, stored: str | None, now: float) -> None:
        """``stored`` is what ``text`` was. Raises ValueError where it is not."""
        self.allowance = allowance
        self._now = now
        self._entries = [entry for entry in _read(stored or "[]") if entry[0] > now - allowance.seconds]

    @property
    def text(self) -> str:
        """What is stored of it."""
        return orjson.dumps(self._entries).decode()

    @property
    def until(self) -> float:
        """When nothing of it counts any more."""
        return (self._entries[-1][0] if self._entries else self._now) + self.allowance.seconds

    @property
    def used(self) -> int:
        """How many calls count now."""
        return sum(calls for _, calls in self._entries)

    def wait(self) -> float:
        """Seconds until one more call is within the limit; 0 where one is now."""
        over = self.used + 1 - self.allowance.calls
        for end, calls in self._entries:
            if over <= 0:
                break
            over -= calls
            if over <= 0:
                return end + self.allowance.seconds - self._now
        return 0.0

    def add(self) -> None:
        """Count one call, now."""
        end = self._now
        if self.allowance.calls > _ENTRIES:
            step = self.allowance.seconds / _ENTRIES
            end = (floor(end / step) + 1) * step
        last, calls = self._entries[-1] if self._entries else (0.0, 0)
        if last >= end:  # in the same step, or the clock was set back
            self._entries[-1] = (last, calls + 1)
        else:
            self._entries.append((end, 1))


def spent_of(tallies: Sequence[Tally]) -> Spent | None:
    """The limits that one more call is not within, if there are any."""
    full = [tally for tally in tallies if tally.wait() > 0]
    return Spent(tuple(tally.allowance for tally in full), max(tally.wait() for tally in full)) if full else None


def _read(stored: str) -> list[tuple[float, int]]:
    try:
        return sorted((float(end), int(calls)) for end, calls in orjson.loads(stored))
    except TypeError as error:
        raise ValueError(f"This is no tally: {stored[:100]!r}") from error
