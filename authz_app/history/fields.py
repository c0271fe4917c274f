"""Puts the fields of a row in words, before and after a change."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.text import capfirst

from authz_app.policy_store.policy_table import PolicyTable


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after; empty where there was no value."""

    name: str
    was: str
    became: str


def changed_fields(
    table: PolicyTable, was: dict[str, Any] | None, became: dict[str, Any] | None
) -> tuple[FieldChange, ...]:
    """The fields that differ; for a row that was added or removed, the fields that have a value."""
    return tuple(
        FieldChange(capfirst(str(one.verbose_name)), *words)
        for column, one in table.fields.items()
        if column != "id" and was != became
        for words in [(_words(one, was, column), _words(one, became, column))]
        if words[0] != words[1]
    )


def _words(one: "models.Field[Any, Any]", row: dict[str, Any] | None, column: str) -> str:
    if row is None or row[column] is None:
        return ""
    value = row[column]
    if isinstance(one, models.BooleanField):
        return {True: "Yes", False: "No"}.get(value, str(value))
    if isinstance(one, models.JSONField):
        return json.dumps(value, ensure_ascii=False) if value not in ([], {}, "") else ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return str(dict(one.flatchoices).get(value, value))
