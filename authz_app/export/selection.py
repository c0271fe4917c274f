"""Selects what is exported: everything, or the call records or events that a search finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model, QuerySet
from django.utils import timezone

from authz_app.evidence.canonical import CALLS, EVENTS, SealedTable
from authz_app.evidence.checkpoint import Checkpoint, known_checkpoint, last_number
from authz_app.export import event_search
from authz_app.models import AuditEvent, CallRecord
from authz_app.record_search.paging import left_by
from authz_app.record_search.qualifiers import SearchContext
from authz_app.record_search.search import CALL_RECORDS, interpret

Exported = type[CallRecord] | type[AuditEvent]
_TABLES: dict[type[Model], SealedTable] = {CallRecord: CALLS, AuditEvent: EVENTS}
_LANGUAGES = {CallRecord: CALL_RECORDS, AuditEvent: event_search.EVENTS}


class SelectedRows(NamedTuple):
    sealed: SealedTable
    rows: "QuerySet[Any]"


@dataclass(frozen=True, slots=True)
class Selection:
    """The records to export, what chose them, and whether they are all that there are.

    What is sealed meanwhile is left out: ``upto`` is the last seal as the export begins, ``checkpoint`` the last one
    that this machine remembers.
    """

    tables: Sequence[SelectedRows]
    chosen_by: str
    is_whole: bool
    upto: int
    checkpoint: Checkpoint | None

    def count(self) -> int:
        return sum(chosen.rows.count() for chosen in self.tables)


def _selection_of(tables: Sequence[SelectedRows], chosen_by: str, *, is_whole: bool) -> Selection:
    """Select these records, as of now. ``is_whole``: they are all records of every table that is sealed."""
    checkpoint = known_checkpoint(connection)  # Before the number: it may only be the older of the two.
    return Selection(tables, chosen_by, is_whole, last_number(connection), checkpoint)


def everything() -> Selection:
    tables = [SelectedRows(sealed, model._default_manager.all()) for model, sealed in _TABLES.items()]
    return _selection_of(tables, "", is_whole=True)


def some(rows: "QuerySet[Any]", chosen_by: str) -> Selection:
    """Select these call records, or these events. ``chosen_by`` says how they were chosen."""
    return _selection_of([SelectedRows(_TABLES[rows.model], rows)], chosen_by, is_whole=False)


def found_by(text: str, model: Exported = CallRecord) -> Selection:
    """Select what a search finds, for somebody who may see all.

    Raises:
        ValueError: it means nothing; ``str()`` says why.
    """
    search = interpret(text, SearchContext(timezone.localtime(), sees_arguments=True), _LANGUAGES[model])
    if search.problems:
        raise ValueError(" ".join(search.problems))
    return some(left_by(model._default_manager.all(), search.filters), text)
