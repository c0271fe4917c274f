"""The call records that a page of the admin shows, by the part of its address after the question mark."""

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.test import RequestFactory
from django.urls import reverse

from authz_app.evidence.exporting import Wanted, wanted_of
from authz_app.models import CallRecord, User

# What pages through a list, and does not choose from it.
_NOT_A_CHOICE = ("p", "page", "o", "all")


def chosen(query: str) -> Wanted:
    """The records that this query chooses, whatever page of them.

    Raises:
        ValueError: the page would not take it; ``str()`` says why.
    """
    request = RequestFactory().get(f"{reverse('admin:authz_app_callrecord_changelist')}?{query.lstrip('?')}")
    request.user = User(username="export", is_active=True, is_staff=True, is_superuser=True)
    return chosen_by(request)


def chosen_by(request: HttpRequest) -> Wanted:
    """The records that a request for the list, or beside it, chooses.

    Raises:
        ValueError: the list would not take it.
    """
    narrowed = QueryDict(mutable=True)
    narrowed.update(request.GET)
    for name in _NOT_A_CHOICE:
        narrowed.pop(name, None)
    request.GET = narrowed  # type: ignore[assignment]  # it is one, but for being immutable
    try:
        changelist = admin.site._registry[CallRecord].get_changelist_instance(request)
        records = changelist.get_queryset(request)
    except (IncorrectLookupParameters, ValidationError) as error:
        raise ValueError("the list of call records has no such filter, or no such choice of it.") from error
    return wanted_of(records, narrowed.urlencode(), is_whole=not narrowed)
