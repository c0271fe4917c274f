"""Selects what a list of the admin shows, on all its pages: call records, or events."""

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from authz_app.export.selection import Selection, some
from authz_app.pages.records.changelist import AFTER, BEFORE, RecordChangeList

# What pages through a list, and does not choose from it.
_NOT_A_CHOICE = ("p", "page", "o", "all", BEFORE, AFTER)


def listed(request: HttpRequest, model_admin: Any) -> Selection:
    """Select what the query of a request chooses of a list.

    Raises:
        ValueError: the list would not take it.
    """
    query = request.GET.copy()
    for name in _NOT_A_CHOICE:
        query.pop(name, None)
    request.GET = query  # type: ignore[assignment]  # it is one, but for being immutable
    if not query:
        return some(model_admin.model._default_manager.all(), "")
    try:
        changelist = model_admin.get_changelist_instance(request)
        records = changelist.get_queryset(request)
    except (IncorrectLookupParameters, ValidationError) as error:
        raise ValueError("the list has no such filter, or no such choice of it.") from error
    if isinstance(changelist, RecordChangeList) and changelist.search.problems:
        raise ValueError(" ".join(changelist.search.problems))
    return some(records, query.urlencode())
