"""Selects what is exported: everything, or the call records or events that a search finds."""

from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone

from authz_app.evidence.canonical import CALLS, EVENTS, SealedTable
from authz_app.export import event_search
from authz_app.export.exporting import SelectedRows, Selection, selection_of
from authz_app.models import AuditEvent, CallRecord
from authz_app.record_search.paging import left_by
from authz_app.record_search.qualifiers import SearchContext
from authz_app.record_search.search import CALL_RECORDS, interpret

Exported = type[CallRecord] | type[AuditEvent]
_TABLES: dict[type[Model], SealedTable] = {CallRecord: CALLS, AuditEvent: EVENTS}
_LANGUAGES = {CallRecord: CALL_RECORDS, AuditEvent: event_search.EVENTS}


def everything() -> Selection:
    """Select all call records and all events."""
    tables = [SelectedRows(sealed, model._default_manager.all()) for model, sealed in _TABLES.items()]
    return selection_of(tables, "", is_whole=True)


def some(rows: "QuerySet[Any]", chosen_by: str) -> Selection:
    """Select these call records, or these events. ``chosen_by`` says how they were chosen."""
    return selection_of([SelectedRows(_TABLES[rows.model], rows)], chosen_by, is_whole=False)


def found_by(text: str, model: Exported = CallRecord) -> Selection:
    """Select what a search finds, for somebody who may see all.

    Raises:
        ValueError: it means nothing; ``str()`` says why.
    """
    search = interpret(text, SearchContext(timezone.localtime(), sees_arguments=True), _LANGUAGES[model])
    if search.problems:
        raise ValueError(" ".join(search.problems))
    return some(left_by(model._default_manager.all(), search.filters), text)
