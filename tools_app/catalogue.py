"""Keeps the catalogue of tools in step with the registry, and reads from it what administrators decided."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

from authz_app.policy.rule import KINDS, Kind
from authz_app.policy_store.loading import known_kind
from authz_app.policy_store.policy_table import PolicyTable
from authz_app.redaction.audit_level import RecordingOverride, override_of
from authz_app.triggers import install
from tools_app.models import Tool
from tools_app.registry import registered

_OF_ITS_CODE = "It comes from the code, and no decision reads it."
TOOL_TABLE = PolicyTable(
    Tool,
    "tool",
    "tool",
    left_out={
        "description": _OF_ITS_CODE,
        "module": _OF_ITS_CODE,
        "gone": _OF_ITS_CODE,
        "first_seen": "Seen by the site, not changed by anybody.",
    },
    on_insert=False,
)


def switched_off() -> frozenset[tuple[Kind, str]]:
    """Kind and name of what is switched off now."""
    return frozenset(_kinds_and_names(Tool.objects.filter(enabled=False)))


def recording_overrides() -> dict[tuple[Kind, str], RecordingOverride]:
    """How much administrators chose to have recorded, by kind and name, where they did."""
    chosen = Tool.objects.exclude(recorded="", redacted="").values_list("kind", "name", "recorded", "redacted")
    return {(kind, name): override_of(*choice) for text, name, *choice in chosen if (kind := known_kind(text))}


def names() -> list[tuple[Kind, str]]:
    """Kind and name of what is registered now."""
    return _kinds_and_names(Tool.objects.filter(gone=False))


def _kinds_and_names(rows: QuerySet[Tool]) -> list[tuple[Kind, str]]:
    """Kind and name of each row whose kind is one that rules speak of."""
    return [(kind, name) for text, name in rows.values_list("kind", "name") if (kind := known_kind(text))]


def sync(using: str = DEFAULT_DB_ALIAS) -> None:
    """Add a row for all that is new, renew descriptions, and mark the rows of what is gone. Safe to repeat."""
    rows = {(row.kind, row.name): row for row in Tool.objects.using(using)}
    for kind in KINDS:
        for name, entry in registered(kind).items():
            wanted = {"description": entry.listed.description or "", "module": entry.module, "gone": False}
            row = rows.pop((kind, name), None)
            if row is None:
                Tool.objects.using(using).bulk_create([Tool(kind=kind, name=name, **wanted)], ignore_conflicts=True)
            elif any(getattr(row, field) != value for field, value in wanted.items()):
                Tool.objects.using(using).filter(pk=row.pk).update(**wanted)
    gone = [row.pk for row in rows.values() if not row.gone]
    if gone:
        Tool.objects.using(using).filter(pk__in=gone).update(gone=True)


def sync_after_migrate(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Receive ``post_migrate``."""
    if install.is_migrated(connections[using], TOOL_TABLE):
        sync(using)
