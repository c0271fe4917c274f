"""Describes a table that decisions read, and how each of its columns counts.

A column counts unless it is named as left out, so a new one moves the policy version and is in the history by itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models


@dataclass(frozen=True, slots=True)
class PolicyTable:
    """A table that decisions read. Columns are named as the database has them.

    ``part`` names its rows, ``entity`` the thing that they are a part of, and ``owner`` is the column with its id.
    ``noted`` columns are in the history, but no decision reads them, so they do not move the version. ``left_out``
    gives the reason for each column that is in neither. ``on_insert`` is false where a new row cannot alter any
    decision already made. ``client`` is the column with the id of the client that a row is about.
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
        """The fields that the history keeps, by column."""
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
        """A row of the history as Django would have read it; a column that is missing there has the model's default."""
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
