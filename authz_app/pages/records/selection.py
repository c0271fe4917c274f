"""What a page of the admin lists, by the part of its address after the question mark: call records, or events."""

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest, QueryDict
from django.test import RequestFactory

from authz_app.evidence.canonical import CALLS, EVENTS, SealedTable
from authz_app.export.exporting import SelectedRows, Selection, selection_of
from authz_app.models import AuditEvent, CallRecord, User
from authz_app.pages.records.changelist import AFTER, BEFORE, RecordChangeList

Listed = type[CallRecord] | type[AuditEvent]
_TABLES: dict[type[Model], SealedTable] = {CallRecord: CALLS, AuditEvent: EVENTS}
# What pages through a list, and does not choose from it.
_NOT_A_CHOICE = ("p", "page", "o", "all", BEFORE, AFTER)


def everything() -> Selection:
    """All call records and all events."""
    tables = [SelectedRows(sealed, model._default_manager.all()) for model, sealed in _TABLES.items()]
    return selection_of(tables, "", is_whole=True)


def chosen(query: str, listed: Listed = CallRecord) -> Selection:
    """What this query chooses of a list, whatever page of it.

    Raises:
        ValueError: the page would not take it; ``str()`` says why.
    """
    request = RequestFactory().get(f"?{query.lstrip('?')}")
    request.user = User(username="export", is_active=True, is_staff=True, is_superuser=True)
    return chosen_by(request, listed)


def chosen_by(request: HttpRequest, listed: Listed = CallRecord) -> Selection:
    """What a request for the list, or beside it, chooses.

    Raises:
        ValueError: the list would not take it.
    """
    narrowed = QueryDict(mutable=True)
    narrowed.update(request.GET)
    for name in _NOT_A_CHOICE:
        narrowed.pop(name, None)
    request.GET = narrowed  # type: ignore[assignment]  # it is one, but for being immutable
    if not narrowed:
        return selection_of([SelectedRows(_TABLES[listed], listed._default_manager.all())], "", is_whole=False)
    try:
        changelist = admin.site.get_model_admin(listed).get_changelist_instance(request)
        records = changelist.get_queryset(request)
    except (IncorrectLookupParameters, ValidationError) as error:
        raise ValueError("the list has no such filter, or no such choice of it.") from error
    if isinstance(changelist, RecordChangeList) and changelist.search.problems:
        raise ValueError(" ".join(changelist.search.problems))
    return selection_of([SelectedRows(_TABLES[listed], records)], narrowed.urlencode(), is_whole=False)
