"""Settle openings against the limits they are allowed within, in the transaction that commits them. Fail closed.

Whoever counts against a limit holds it until the commit, so it is exact across workers. Where the transaction does not
commit, nothing is counted and nothing runs.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from authz_app.audit.entries import Allowance, Opening, Spent, Within
from authz_app.audit.sql import Key, Statements
from authz_app.policy.decision import Reason
from authz_app.policy.sliding_window import Tally, spent_of


def settle(statements: Statements, cursor: Any, asking: Sequence[Within]) -> dict[UUID, Spent | None]:
    """Insert records. Returns, for each that was decided under the committed policy version, which limits were spent.

    One call is counted after the other. One that is refused is recorded so, and counts against nothing.
    """
    if not any(one.allowances for one in asking):
        return dict.fromkeys(statements.insert(cursor, [one.opening for one in asking]))
    keys = sorted({_key(allowance) for one in asking for allowance in one.allowances})
    statements.hold_limits(cursor, keys)
    version = statements.hold_version(cursor)
    now, stored = statements.counted(cursor, keys)
    current = [one for one in asking if one.opening.policy_version == version]
    allowances = {_key(allowance): allowance for one in current for allowance in one.allowances}
    tallies = {key: Tally(allowance, stored.get(key), now) for key, allowance in allowances.items()}
    settled = [_counted(one, [tallies[_key(allowance)] for allowance in one.allowances], now) for one in current]
    if settled:
        statements.insert(cursor, [opening for opening, _ in settled])
    if tallies:
        statements.count(cursor, [(key, tally.text, tally.until) for key, tally in tallies.items()])
    return {opening.id: spent for opening, spent in settled}


def _key(allowance: Allowance) -> Key:
    return allowance.rule_id, allowance.client_id


def _counted(one: Within, tallies: Sequence[Tally], now: float) -> tuple[Opening, Spent | None]:
    """The record as it is written. A limited call's time is the one at which it is counted, or refused."""
    if not tallies:
        return one.opening, None
    opening = one.opening._replace(at=datetime.fromtimestamp(now, UTC))
    spent = spent_of(tallies)
    if spent is None:
        for tally in tallies:
            tally.add()
        return opening, None
    rules = [{"id": allowance.rule_id, "sentence": allowance.sentence} for allowance in spent.allowances]
    refused = opening._replace(
        decision="denied",
        reason=Reason.LIMIT_REACHED.value,
        rules=orjson.dumps(rules).decode(),
        deadline=None,
    )
    return refused, spent
