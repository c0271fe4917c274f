"""Counts calls against the limits within which they are allowed, in the transaction of their records. Fail closed.

A writer that counts against a limit holds it until the commit, so the count is exact across workers. Where the
transaction does not commit, nothing is counted and nothing runs.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from authz_app.audit.entries import LimitedOpening, Opening
from authz_app.audit.sql import LimitKey, Statements
from authz_app.policy.decision import Reason
from authz_app.policy.limits import Allowance, SlidingWindow, Spent, spent_of


def insert_within_limits(
    statements: Statements, cursor: Any, openings: Sequence[LimitedOpening]
) -> dict[UUID, Spent | None]:
    """Insert the records decided under the committed policy version. Returns, by id, which limits were spent for each.

    One call is counted after the other. One that is refused is recorded so, and counts against nothing.
    """
    if not any(limited.allowances for limited in openings):
        return dict.fromkeys(statements.insert(cursor, [limited.opening for limited in openings]))
    keys = sorted({_key(allowance) for limited in openings for allowance in limited.allowances})
    statements.hold_limits(cursor, keys)
    version = statements.hold_version(cursor)
    now, stored = statements.counted(cursor, keys)
    current = [limited for limited in openings if limited.opening.policy_version == version]
    allowances = {_key(allowance): allowance for limited in current for allowance in limited.allowances}
    windows = {key: SlidingWindow(allowance, stored.get(key), now) for key, allowance in allowances.items()}
    counted = [
        _count(limited.opening, [windows[_key(allowance)] for allowance in limited.allowances], now)
        for limited in current
    ]
    if counted:
        statements.insert(cursor, [opening for opening, _ in counted])
    if windows:
        statements.count(cursor, [(key, window.text, window.until) for key, window in windows.items()])
    return {opening.id: spent for opening, spent in counted}


def _key(allowance: Allowance) -> LimitKey:
    return allowance.rule_id, allowance.client_id


def _count(opening: Opening, windows: Sequence[SlidingWindow], now: float) -> tuple[Opening, Spent | None]:
    """Count a call, and return its record. A limited call's time is the one at which it is counted, or refused."""
    if not windows:
        return opening, None
    opening = opening._replace(at=datetime.fromtimestamp(now, UTC))
    spent = spent_of(windows)
    if spent is None:
        for window in windows:
            window.add()
        return opening, None
    rules = [{"id": allowance.rule_id, "sentence": allowance.sentence} for allowance in spent.allowances]
    refused = opening._replace(
        decision="denied",
        reason=Reason.LIMIT_REACHED.value,
        rules=orjson.dumps(rules).decode(),
        deadline=None,
    )
    return refused, spent
