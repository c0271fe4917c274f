"""Filters of call records. Each is answered by an index of the table, also among a million rows."""

from abc import abstractmethod
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.contrib.filters.admin import DropdownFilter

from authz_app.models import CallRecord, Client
from authz_app.pages.shared.words import OUTCOMES, reason_choices
from authz_app.policy_store import tool_names
from authz_app.record_search import filters
from authz_app.record_search.filters import Filter
from authz_app.record_search.paging import left_by

_RECENT_CLIENTS = 50
_LONGEST_ID = 18  # Digits: all such numbers fit into the database's integers.

Choices = list[tuple[str, str]]


def number_in(text: str) -> int:
    """A row's id out of a URL; 0 where there is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID else 0


class RecordFilter(DropdownFilter):
    """A choice out of a list, plus whatever a link to the page chose beside it."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        chosen = self.used_parameters.get(self.parameter_name)
        known = self.known()
        return known if not chosen or chosen in dict(known) else [(chosen, chosen), *known]

    @abstractmethod
    def known(self) -> Choices:
        """What can be chosen."""

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        # PostgreSQL's text has no NUL.
        return self.narrow(queryset, value.replace("\x00", "")) if value else queryset

    @abstractmethod
    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """The rows that a choice leaves."""


class CallFilter(RecordFilter):
    """One of call records, which is put together with the search (`authz_app.record_search`)."""

    @cached_property
    def filter(self) -> Filter | None:
        """What the choice leaves; None where nothing is chosen."""
        value = self.value()
        if not value:
            return None
        # PostgreSQL's text has no NUL, so no record has one.
        return filters.nothing() if "\x00" in value else self.left(value)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.filter is None else left_by(queryset, [self.filter])

    @abstractmethod
    def left(self, value: str) -> Filter:
        """What a choice leaves."""


def clients_to_choose(chosen: str) -> Choices:
    """The clients seen last, and the one that is chosen."""
    recent = Client.objects.filter(last_seen__isnull=False).order_by("-last_seen")[:_RECENT_CLIENTS]
    found = Client.objects.filter(pk=number_in(chosen)) if number_in(chosen) else []
    return [(str(client.pk), str(client)) for client in dict.fromkeys([*found, *recent])]


class ClientFilter(CallFilter):
    title = "client"
    parameter_name = "client"

    def known(self) -> Choices:
        return clients_to_choose(str(self.used_parameters.get(self.parameter_name, "")))

    def left(self, value: str) -> Filter:
        return filters.by_client([number_in(value)])


class NameFilter(CallFilter):
    title = "tool, resource or prompt"
    parameter_name = "tool"

    def known(self) -> Choices:
        return [(name, name) for name in tool_names.names()]

    def left(self, value: str) -> Filter:
        return filters.by_tool_names([value])


class _ChoiceFilter(CallFilter):
    """Of a few values that are known. Any other finds nothing, without looking for it."""

    def left(self, value: str) -> Filter:
        return self.left_by_known(value) if value in dict(self.known()) else filters.nothing()

    @abstractmethod
    def left_by_known(self, value: str) -> Filter:
        """What one of them leaves."""


class KindFilter(_ChoiceFilter):
    title = "kind"
    parameter_name = "kind"

    def known(self) -> Choices:
        return list(CallRecord.Kind.choices)

    def left_by_known(self, value: str) -> Filter:
        return filters.by_kind([value])


class DecisionFilter(_ChoiceFilter):
    title = "decision"
    parameter_name = "decision"

    def known(self) -> Choices:
        return list(CallRecord.Decision.choices)

    def left_by_known(self, value: str) -> Filter:
        return filters.by_decision([value])


class ReasonFilter(_ChoiceFilter):
    title = "reason"
    parameter_name = "reason"

    def known(self) -> Choices:
        return reason_choices()

    def left_by_known(self, value: str) -> Filter:
        return filters.by_reason([value])


class OutcomeFilter(_ChoiceFilter):
    title = "outcome"
    parameter_name = "outcome"

    def known(self) -> Choices:
        return list(OUTCOMES.items())

    def left_by_known(self, value: str) -> Filter:
        return filters.by_outcome([value], timezone.now())


class TimeFilter(CallFilter):
    title = "time"
    parameter_name = "since"

    def known(self) -> Choices:
        return times()

    def left(self, value: str) -> Filter:
        start = start_of_time(value)
        return filters.since(start) if start else filters.nothing()


_HOURS = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24}


def times() -> Choices:
    """The stretches of time that can be chosen."""
    return [
        ("hour", "Last hour"),
        ("today", "Today"),
        ("day", "Last 24 hours"),
        ("week", "Last 7 days"),
        ("month", "Last 30 days"),
    ]


def start_of_time(chosen: str) -> datetime | None:
    """When a chosen stretch of time began; None where there is no such choice."""
    now = timezone.now()
    if chosen == "today":
        return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return now - timedelta(hours=_HOURS[chosen]) if chosen in _HOURS else None
