"""Groups denied calls by client and by what was asked for. Fast however many records there are."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection

from authz_app.core.ids import first_id_at, moment_of
from authz_app.models import CallRecord

# Of more than these, the newest alone are read: an agent that is refused in a loop must not make the page slow.
MOST = 20_000


@dataclass(slots=True)
class Group:
    """Refusals of one kind and name to one client. ``last_record`` is the id of the latest.

    ``reasons`` counts them; ``token_scopes`` are those of its tokens. Both begin with the latest.
    """

    client_id: int
    kind: str
    tool: str
    first: datetime
    last: datetime
    last_record: UUID
    count: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    token_scopes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Grouped:
    """Groups, the latest refusal first. ``since`` is when they begin, if that is later than was asked for."""

    groups: list[Group]
    since: datetime | None = None


_ALIKE = "client_id, kind, tool, reason, token_scopes"
# Ids are compared as texts, since PostgreSQL knows no least and greatest of UUIDs.
_WHEN = "MIN(CAST(id AS text)), MAX(CAST(id AS text))"
_GROUPED = f"SELECT {_ALIKE}, COUNT(*), {_WHEN} FROM ({{newest}}) newest GROUP BY {_ALIKE}"


def refusals_since(moment: datetime, most: int = MOST) -> Grouped:
    """Group all refusals since a moment; of more than ``most``, the newest."""
    denied = CallRecord.objects.filter(decision=CallRecord.Decision.DENIED, pk__gte=first_id_at(moment))
    newest = denied.order_by("-pk").values("id", "client_id", "kind", "tool", "reason", "token_scopes")[:most]
    sql, parameters = newest.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_GROUPED.format(newest=sql), parameters)
        rows = sorted(cursor.fetchall(), key=lambda row: str(row[-1]), reverse=True)
    groups = _grouped(rows)
    read = sum(group.count for group in groups)
    return Grouped(groups, min(group.first for group in groups) if read >= most else None)


def _grouped(rows: Iterable[tuple[int, str, str, str, str, int, str, str]]) -> list[Group]:
    """Merge rows that differ in nothing but reason and token scopes. The latest comes first."""
    groups: dict[tuple[int, str, str], Group] = {}
    for client_id, kind, tool, reason, token_scopes, count, first, last in rows:
        key, began = (client_id, kind, tool), moment_of(UUID(first))
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(*key, began, moment_of(UUID(last)), UUID(last))
        group.count += count
        group.first = min(group.first, began)
        group.reasons[reason] = group.reasons.get(reason, 0) + count
        if token_scopes not in group.token_scopes:
            group.token_scopes.append(token_scopes)
    return list(groups.values())
