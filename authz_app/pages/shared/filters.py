"""Filters several lists of the admin, most by the search qualifier of the same name.

Each is answered by an index of its table, also among a million rows.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.contrib.filters.admin import DropdownFilter

from authz_app.models import Client
from authz_app.pages.shared.ids import number_in
from authz_app.record_search.filters import Filter, nothing
from authz_app.record_search.paging import left_by
from authz_app.record_search.parser import Query, Term, written
from authz_app.record_search.qualifiers import QUALIFIERS, Qualifier, SearchContext
from authz_app.record_search.search import filter_of

_RECENT_CLIENTS = 50
# The stretches of time that can be chosen: how a search names each, and how the list does.
TIMES = {
    "hour": ("1h", "Last hour"),
    "today": ("today", "Today"),
    "day": ("24h", "Last 24 hours"),
    "week": ("7d", "Last 7 days"),
    "month": ("30d", "Last 30 days"),
}

Choices = list[tuple[str, str]]


class ListFilter(DropdownFilter):
    """Offers a list of choices, and whatever else a link to the page chose."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        chosen = self.used_parameters.get(self.parameter_name)
        known = self.known()
        return known if not chosen or chosen in dict(known) else [(chosen, chosen), *known]

    @abstractmethod
    def known(self) -> Choices:
        """List what can be chosen: values, and how they are called."""

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        # PostgreSQL's text has no NUL.
        return self.narrow(queryset, value.replace("\x00", "")) if value else queryset

    @abstractmethod
    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Select the rows that a choice leaves."""


class SearchFilter(ListFilter):
    """Leaves what the search qualifier of the same name finds."""

    qualifiers: Mapping[str, Qualifier] = QUALIFIERS

    @cached_property
    def filter(self) -> Filter | None:
        """Filter of what is chosen; None where nothing is."""
        value = self.value()
        if not value:
            return None
        # PostgreSQL's text has no NUL, so no record has one.
        return nothing() if "\x00" in value else self.left(value)

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset if self.filter is None else left_by(queryset, [self.filter])

    def left(self, value: str) -> Filter:
        """Translate a choice; one without a meaning leaves nothing."""
        context = SearchContext(timezone.localtime(), sees_arguments=False)
        return filter_of(_term(self.parameter_name, value), context, self.qualifiers)


class ChoiceFilter(SearchFilter):
    """Offers a few values that are known. Any other finds nothing, without looking for it."""

    def left(self, value: str) -> Filter:
        return super().left(value) if value in dict(self.known()) else nothing()


class ClientFilter(SearchFilter):
    title = "client"
    parameter_name = "client"

    def known(self) -> Choices:
        return clients_to_choose(str(self.used_parameters.get(self.parameter_name, "")))

    def left(self, value: str) -> Filter:
        return super().left(value) if number_in(value) else nothing()


class TimeFilter(ChoiceFilter):
    title = "time"
    parameter_name = "since"

    def known(self) -> Choices:
        return [(chosen, words) for chosen, (_, words) in TIMES.items()]


class SessionFilter(SearchFilter):
    """Appears when a link has set it: nobody chooses a session by its hash."""

    title = "MCP session"
    parameter_name = "session"

    def known(self) -> Choices:
        return []

    def has_output(self) -> bool:
        return bool(self.used_parameters.get(self.parameter_name))


class SealFilter(SessionFilter):
    """Appears when a link has set it, from the page of a seal."""

    title = "seal"
    parameter_name = "seal"


def clients_to_choose(chosen: str) -> Choices:
    """List the clients that were seen last, and the chosen one."""
    recent = Client.objects.filter(last_seen__isnull=False).order_by("-last_seen")[:_RECENT_CLIENTS]
    found = Client.objects.filter(pk=number_in(chosen)) if number_in(chosen) else []
    return [(str(client.pk), str(client)) for client in dict.fromkeys([*found, *recent])]


def as_search(chosen: Mapping[str, str]) -> str:
    """Write the search that finds what a list shows under these parameters of its address."""
    terms = tuple(_term(name, value) for name, value in chosen.items() if value and name != SEARCH_VAR)
    return " ".join(filter(None, [chosen.get(SEARCH_VAR, "").strip(), written(Query(terms=terms))]))


def _term(parameter: str, value: str) -> Term:
    if parameter == ClientFilter.parameter_name:
        return Term(parameter, (f"#{value}",))
    if parameter == TimeFilter.parameter_name and value in TIMES:
        return Term(parameter, (TIMES[value][0],))
    return Term(parameter, (value,))
