"""Counts calls against limit rules, within a sliding window. Pure.

Never more than a limit's number of calls lie in any window of its length. Limits of up to a hundred calls keep the
moment of each. Larger ones count in steps of a hundredth of their length, as if all calls of a step came at its end,
which may hold a call back for as long as a step, and never lets one through. So a window has about a hundred entries.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import floor

import orjson

from authz_app.policy.decision import Client, Decision, Reason
from authz_app.policy.rule import Rule

_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class Allowance:
    """No more than so many ``calls`` may commit in any ``seconds``, by a limit rule.

    ``client_id`` is the id of the client for which they are counted, and 0 for all clients together.
    """

    rule_id: int
    client_id: int
    calls: int
    seconds: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Spent:
    """The limits for which a call was refused, and after how many seconds it would not be, if nobody else calls."""

    allowances: tuple[Allowance, ...]
    wait: float


def allowances(decision: Decision) -> tuple[Allowance, ...]:
    """The limits that a call which is allowed counts against."""
    return allowances_of(decision.limits, decision.client) if decision.limits else ()


def allowances_of(rules: Iterable[Rule], client: Client) -> tuple[Allowance, ...]:
    """The limits of those rules that have one, as calls of this client count against them."""
    return tuple(
        Allowance(
            rule.id, client.id if rule.limit.per_client else 0, rule.limit.calls, rule.limit.seconds, rule.sentence
        )
        for rule in rules
        if rule.limit is not None
    )


def refused(decision: Decision, spent: Spent) -> Decision:
    """The decision, now that limits are known to be spent."""
    rule_ids = {allowance.rule_id for allowance in spent.allowances}
    determining = tuple(rule for rule in decision.limits if rule.id in rule_ids)
    return replace(decision, reason=Reason.LIMIT_REACHED, determining=determining, wait=spent.wait)


class SlidingWindow:
    """The calls that still count against one limit. Times are in seconds since the epoch, on the database's clock."""

    def __init__(self, allowance: Allowance, stored: str | None, now: float) -> None:
        """``stored`` is what ``text`` was. Raises ValueError where it is not."""
        self.allowance = allowance
        self._now = now
        self._entries = [entry for entry in _read(stored or "[]") if entry[0] > now - allowance.seconds]

    @property
    def text(self) -> str:
        """The calls as they are stored."""
        return orjson.dumps(self._entries).decode()

    @property
    def until(self) -> float:
        """When none of the calls counts any more."""
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
        end = self._now
        if self.allowance.calls > _ENTRIES:
            step = self.allowance.seconds / _ENTRIES
            end = (floor(end / step) + 1) * step
        last, calls = self._entries[-1] if self._entries else (0.0, 0)
        if last >= end:  # in the same step, or the clock was set back
            self._entries[-1] = (last, calls + 1)
        else:
            self._entries.append((end, 1))


def spent_of(windows: Sequence[SlidingWindow]) -> Spent | None:
    """The limits that one more call is not within, if there are any."""
    full = [window for window in windows if window.wait() > 0]
    return Spent(tuple(window.allowance for window in full), max(window.wait() for window in full)) if full else None


def _read(stored: str) -> list[tuple[float, int]]:
    try:
        return sorted((float(end), int(calls)) for end, calls in orjson.loads(stored))
    except TypeError as error:
        raise ValueError(f"This is no tally: {stored[:100]!r}") from error
