"""Record, before it is done, that somebody writes records out or removes them."""

from collections.abc import Sequence

from authz_app.audit.events import EventKind, event, record_now
from authz_app.export.selection import Selection


def record_export(selection: Selection, form: str, address: str = "") -> None:
    """Record that these records are written out by whoever is acting. ``form`` is "jsonl" or "csv".

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing is written out.
    """
    details = {
        "tables": [chosen.sealed.name for chosen in selection.tables],
        "chosen_by": selection.chosen_by,
        "whole": selection.is_whole,
        "form": form,
    }
    record_now(event(EventKind.EXPORT, details, count=selection.count(), address=address))


def record_pruning(records: int, seals: Sequence[int], older_than: str, tools: Sequence[str]) -> None:
    """Record that so many records of these segments are removed by whoever is acting.

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing is removed.
    """
    details = {
        "segments": len(seals),
        "first_seal": seals[0],
        "last_seal": seals[-1],
        "older_than": older_than,
        "tools": list(tools),
    }
    record_now(event(EventKind.PRUNING, details, count=records))
