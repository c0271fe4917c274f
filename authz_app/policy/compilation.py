"""Compiles a rule from its stored row. Pure.

A column that cannot be read never helps a caller. Where it is the effect, for whom, or the kind, the rule might have
denied anything to anybody, and does. Where it is another column, an allow rule allows nothing, and a deny or limit rule
denies the tools that it names to the clients that it names.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from authz_app.policy.condition_syntax import BadCondition, read
from authz_app.policy.conditions import Condition
from authz_app.policy.rule import EVERY_KIND, KINDS, PERIOD_SECONDS, Effect, Kind, Limit, Rule
from authz_app.policy.sentence import Terms, rule_sentence, unreadable_sentence

EVERY, THESE = "every", "these"
PER_CLIENT, TOGETHER = "client", "together"
_EFFECTS: dict[str, Effect] = {"allow": "allow", "deny": "deny", "limit": "limit"}
_KINDS: dict[str, Kind | None] = {EVERY_KIND: None, **{kind: kind for kind in KINDS}}


class RuleRow(NamedTuple):
    """A stored rule; field names are the table's columns. Times are texts where the database wrote them."""

    id: int
    effect: str
    applies_to: str
    kind: str
    token_scopes: str
    tools: str
    conditions: str
    valid_from: datetime | str | None
    valid_until: datetime | str | None
    limit_calls: int | None
    limit_period: str
    limit_per: str
    listed_without_scopes: bool = False


class _Unreadable(ValueError):
    def __init__(self, column: str, value: object) -> None:
        super().__init__(column)
        self.column = column
        self.value = "" if value is None else str(value)


def compile_rule(row: RuleRow, named: Sequence[tuple[int, str]]) -> Rule:
    """Compile a rule. ``named`` are id and name of each client that it names, unless it is for every client."""
    if row.effect not in _EFFECTS:
        return _denies_all(row.id, "effect", row.effect)
    if row.applies_to not in (EVERY, THESE):
        return _denies_all(row.id, "for whom", row.applies_to)
    if row.kind not in _KINDS:
        return _denies_all(row.id, "kind", row.kind)
    every = row.applies_to == EVERY
    names, ids = (None, None) if every else ([name for _, name in named], frozenset(client for client, _ in named))
    scopes, tools = row.token_scopes.split(), row.tools.split()
    try:
        narrowing = _conditions(row), _moment("from", row.valid_from), _moment("until", row.valid_until), _limit(row)
    except _Unreadable as error:
        return _broken(row, Terms(row.effect, row.kind, names, scopes, tools), ids, error)
    listed = row.effect == "allow" and bool(scopes) and row.listed_without_scopes is True
    return Rule(
        row.id,
        _EFFECTS[row.effect],
        ids,
        frozenset(scopes),
        tuple(tools),
        rule_sentence(Terms(row.effect, row.kind, names, scopes, tools, *narrowing, listed)),
        False,
        _KINDS[row.kind],
        *narrowing,
        listed,
    )


def _denies_all(rule_id: int, column: str, value: str) -> Rule:
    sentence = unreadable_sentence(column, value, "deny everything to everybody")
    return Rule(rule_id, "deny", None, frozenset(), ("*",), sentence, broken=True, kind=None)


def _broken(row: RuleRow, terms: Terms, clients: frozenset[int] | None, error: _Unreadable) -> Rule:
    """The rule, if a column cannot be read that only narrows it down."""
    effect: Effect = "allow" if row.effect == "allow" else "deny"
    denial = rule_sentence(Terms("deny", terms.kind, terms.clients, terms.token_scopes, terms.tools))
    instead = "allow nothing" if effect == "allow" else f"d{denial[1:-1]}"
    sentence = unreadable_sentence(error.column, error.value, instead)
    scopes, tools = frozenset(terms.token_scopes), tuple(terms.tools)
    return Rule(row.id, effect, clients, scopes, tools, sentence, broken=True, kind=_KINDS[row.kind])


def _conditions(row: RuleRow) -> tuple[Condition, ...]:
    if not row.conditions:
        return ()
    try:
        return read(row.conditions)
    except BadCondition as error:
        raise _Unreadable("conditions", row.conditions) from error


def _moment(column: str, value: datetime | str | None) -> float | None:
    """A stored time in seconds since the epoch. Without a time zone it is in UTC, as with Django."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise _Unreadable(column, value) from error


def _limit(row: RuleRow) -> Limit | None:
    if row.effect != "limit":
        return None
    if not isinstance(row.limit_calls, int) or row.limit_calls < 1:
        raise _Unreadable("number of calls", row.limit_calls)
    if row.limit_period not in PERIOD_SECONDS:
        raise _Unreadable("period", row.limit_period)
    if row.limit_per not in (PER_CLIENT, TOGETHER):
        raise _Unreadable("way of counting", row.limit_per)
    return Limit(row.limit_calls, PERIOD_SECONDS[row.limit_period], row.limit_per == PER_CLIENT)
