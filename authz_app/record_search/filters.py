"""Narrows call records by a term of a search, and says how an index finds what is left.

Each function here makes one `Filter`; several are put together by `newest`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import Q

from authz_app.core.ids import first_id_at
from authz_app.models import NO_TOOL_CALL, UNUSUAL_OUTCOME, CallRecord
from authz_app.policy.decision import Reason
from authz_app.record_search.globs import is_glob, matches

# Streams are merged, which costs for each of them.
MOST_STREAMS = 20
# A glob is looked up among the values that a column has, if there are no more than these.
MOST_VALUES = 500
MOST_OPEN = 1_000
RUNNING = "running"
_DENIED = Q(decision=CallRecord.Decision.DENIED)


@dataclass(frozen=True, slots=True)
class Filter:
    """Leaves the records for which ``holds`` is true, with ids from ``first`` on and below ``before``.

    ``streams`` are the same records in parts that have none in common, each of which comes out of an index in the
    order of ids; None where there is no such index, or most records are left anyway.
    """

    holds: Q = Q()
    streams: tuple[Q, ...] | None = None
    first: UUID | None = None
    before: UUID | None = None

    def negated(self) -> "Filter":
        """Leave all the others. Not for a filter that has a ``first`` or a ``before``."""
        return Filter(~self.holds)


def since(moment: datetime) -> Filter:
    return Filter(first=first_id_at(moment))


def until(moment: datetime) -> Filter:
    return Filter(before=first_id_at(moment))


def nothing() -> Filter:
    return Filter(Q(pk__in=[]), ())


def one_of(column: str, values: Sequence[object]) -> Filter:
    """Leave records with exactly one of these values in a column that has an index."""
    if not values:
        return nothing()
    holds = Q(**{column: values[0]}) if len(values) == 1 else Q(**{f"{column}__in": values})
    return Filter(holds, _streams([Q(**{column: value}) for value in values]))


def matching(column: str, patterns: Sequence[str]) -> Filter:
    """Leave records with one of these values, some of which may be globs, in a column that has an index.

    A glob becomes the values that it matches, if the column has few enough.
    """
    globs = [pattern for pattern in patterns if is_glob(pattern)]
    exact = [pattern for pattern in patterns if not is_glob(pattern)]
    known = _values_of(column) if globs else []
    if known is None:
        return Filter(_fits(column, patterns))
    fitting = [value for value in known if any(matches(glob, value) for glob in globs)]
    return one_of(column, tuple(dict.fromkeys([*exact, *fitting])))


def by_software(names: Sequence[str]) -> Filter:
    """Leave records of client software with these names, some of which may be globs."""
    return Filter(_fits("client_software", names))


def by_kind(kinds: Collection[str]) -> Filter:
    if CallRecord.Kind.TOOL in kinds:
        return Filter(Q(kind__in=kinds))
    return _union([Q(kind=kind) & NO_TOOL_CALL for kind in kinds])


def by_decision(decisions: Collection[str]) -> Filter:
    if CallRecord.Decision.ALLOWED in decisions:
        return Filter(Q(decision__in=decisions))
    return _union([Q(decision=decision) for decision in decisions])


def by_reason(reasons: Collection[str]) -> Filter:
    if Reason.ALLOWED in reasons:
        return Filter(Q(reason__in=reasons))
    return _union([Q(reason=reason) & _DENIED for reason in reasons])


def by_outcome(outcomes: Collection[str], now: datetime) -> Filter:
    """Leave records of these outcomes or ``running``. One without an outcome past its deadline is unknown."""
    parts = [part for outcome in outcomes for part in _of_outcome(outcome, now)]
    return Filter(_any_of(parts)) if CallRecord.Outcome.OK in outcomes else _union(parts)


def _of_outcome(outcome: str, now: datetime) -> list[Q]:
    if outcome == RUNNING:
        return [_open(deadline__gt=now)]
    if outcome == CallRecord.Outcome.OK:
        return [Q(outcome=outcome)]
    unusual = [Q(outcome=outcome) & UNUSUAL_OUTCOME]
    return [*unusual, _open(deadline__lte=now)] if outcome == CallRecord.Outcome.UNKNOWN else unusual


def _open(**deadline: datetime) -> Q:
    """Find those without an outcome beforehand, unless they are many: their index is not in the order of ids."""
    condition = Q(outcome="", **deadline)
    ids = list(CallRecord.objects.filter(condition).order_by().values_list("pk", flat=True)[: MOST_OPEN + 1])
    return Q(pk__in=ids) if len(ids) <= MOST_OPEN else condition


def by_rule(ids: Collection[int]) -> Filter:
    """Leave records that one of these rules decided, by the JSON of the record."""
    return Filter(_any_of([Q(rules__contains=f'{{"id":{rule_id},') for rule_id in ids]))


def by_arguments(texts: Collection[str]) -> Filter:
    """Leave records with one of these texts in a name or a value of the arguments, in upper or lower case."""
    # As the text stands within a string of JSON.
    escaped = [orjson.dumps(text).decode()[1:-1] for text in texts]
    return Filter(_any_of([Q(arguments__icontains=text) for text in escaped]))


def _values_of(column: str) -> list[str] | None:
    """Read the distinct values of a column by steps in its index; None if there are too many."""
    name, table = connection.ops.quote_name(column), connection.ops.quote_name(CallRecord._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE found (value) AS (SELECT MIN({name}) FROM {table} UNION ALL"
            f" SELECT (SELECT MIN({name}) FROM {table} WHERE {name} > found.value) FROM found"
            f" WHERE found.value IS NOT NULL) SELECT value FROM found WHERE value IS NOT NULL LIMIT {MOST_VALUES + 1}"
        )
        values = [value for (value,) in cursor.fetchall()]
    return values if len(values) <= MOST_VALUES else None


def _fits(column: str, patterns: Sequence[str]) -> Q:
    return _any_of([Q(**{f"{column}__glob" if is_glob(one) else column: one}) for one in patterns])


def _union(streams: Sequence[Q]) -> Filter:
    return Filter(_any_of(streams), _streams(streams))


def _streams(streams: Sequence[Q]) -> tuple[Q, ...] | None:
    return tuple(streams) if len(streams) <= MOST_STREAMS else None


def _any_of(parts: Sequence[Q]) -> Q:
    return Q(*parts, _connector=Q.OR)
