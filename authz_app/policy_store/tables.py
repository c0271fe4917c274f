"""The tables that decisions read, and what of them decides: the one list that triggers, loads and history go by.

A column counts unless it is named as left out, so a new one moves the policy version and is in the history by itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from authz_app.models import Client, Rule, RuleClient

STATE = "authz_app_policystate"
CHANGE = "authz_app_policychange"
EDIT = "authz_app_policyedit"
REVISION = "authz_app_policyrevision"
WHOLE_POLICY = "all"
# A load reads everything where more changed than this, so no more is noted either.
MOST_CHANGES = 500


@dataclass(frozen=True, slots=True)
class PolicyTable:
    """A table that decisions read.

    ``part`` names its rows, ``entity`` what they are a part of, and ``owner`` is the column that says of which one.
    ``noted`` columns are in the history, but no decision reads them, so they do not move the version. ``left_out``
    gives the reason for each column that is in neither. ``on_insert`` is false where a new row cannot alter any
    decision already made. ``client`` is the column that says which client a row is about.
    """

    model: type[models.Model]
    part: str
    entity: str
    owner: str = "id"
    noted: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    on_insert: bool = True
    client: str = ""

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def fields(self) -> "dict[str, models.Field[Any, Any]]":
        """Those that the history keeps, by column."""
        return {column: one for column, one in _columns(self.model) if column not in self.left_out}

    @property
    def deciding(self) -> list[str]:
        """The columns that move the version."""
        return [column for column in self.fields if column not in self.noted]

    @property
    def unique(self) -> list[list[str]]:
        """Each set of columns by which a row could take another's place."""
        columns = {one.name: column for column, one in _columns(self.model)}
        alone = [[column] for column, one in _columns(self.model) if one.unique]
        together = self.model._meta.total_unique_constraints
        return alone + [[columns[name] for name in constraint.fields] for constraint in together]

    def values(self, image: str) -> dict[str, Any]:
        """A row of the history as Django would have read it; what it had no column for yet has the model's default."""
        stored = json.loads(image)
        return {
            column: _python_value(one, stored[column]) if column in stored else one.get_default()
            for column, one in self.fields.items()
        }


def _columns(model: type[models.Model]) -> "list[tuple[str, models.Field[Any, Any]]]":
    return [(one.column, one) for one in model._meta.concrete_fields if one.column]


def _python_value(one: "models.Field[Any, Any]", stored: Any) -> Any:
    if stored is None or isinstance(one, models.JSONField):
        return stored
    try:
        value = one.to_python(stored)
    except ValidationError:
        return stored  # Plain SQL put it there; who reads it must expect that.
    naive = isinstance(value, datetime) and value.tzinfo is None
    return value.replace(tzinfo=UTC) if naive else value


_ITS_OWN_TIMES = "The history has its own times."
_SEEN = "Seen by the site, not changed by anybody."

_tables: list[PolicyTable] = [
    PolicyTable(
        Rule,
        "rule",
        "rule",
        noted=("note", "stopped_by"),
        left_out={"created_at": _ITS_OWN_TIMES, "updated_at": _ITS_OWN_TIMES},
    ),
    PolicyTable(RuleClient, "member", "rule", owner="rule_id", client="client_id"),
    # Nothing is decided about a client before its row has been read, so a first sight changes nothing.
    PolicyTable(
        Client,
        "client",
        "client",
        noted=("kind", "notes"),
        left_out={"first_seen": _SEEN, "last_seen": _SEEN},
        on_insert=False,
        client="id",
    ),
]


def register(table: PolicyTable) -> None:
    """Add a table of another app. Call it in ``AppConfig.ready``, before `migrate` can run."""
    if table not in _tables:
        _tables.append(table)


def policy_tables() -> list[PolicyTable]:
    """All of them."""
    return list(_tables)


def vanished(table: PolicyTable) -> str:
    """What to select, behind the edit, for a revision of each row that the history has and the table has not."""
    return (
        f"r.entity, r.entity_id, r.part, r.part_id, r.client_id, r.became, NULL FROM {REVISION} r"
        f" WHERE r.became IS NOT NULL AND r.id IN (SELECT MAX(x.id) FROM {REVISION} x WHERE x.part = '{table.part}'"
        f" AND NOT EXISTS (SELECT 1 FROM {table.table} t WHERE t.id = x.part_id) GROUP BY x.part_id)"
    )


def latest(table: PolicyTable, row_id: str) -> str:
    """SQL for the id of a row's latest revision."""
    return f"(SELECT MAX(x.id) FROM {REVISION} x WHERE x.part = '{table.part}' AND x.part_id = {row_id})"


def table_of(part: str) -> PolicyTable:
    """The table whose rows have this name in the history."""
    return next(table for table in _tables if table.part == part)
