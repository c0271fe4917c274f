"""Filters of call records. Each is answered by an index of the table, also among a million rows."""

from abc import abstractmethod
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from authz_app import known_names
from authz_app.decision import Reason
from authz_app.models import NO_TOOL_CALL, UNUSUAL_OUTCOME, CallRecord, Client
from authz_app.pages.words import OUTCOMES, RUNNING, reason_choices

_RECENT_CLIENTS = 50
_LONGEST_ID = 18  # Digits: all such numbers fit into the database's integers.

Records = QuerySet[CallRecord]
Choices = list[tuple[str, str]]


def first_id_at(moment: datetime) -> UUID:
    """The smallest record id of that millisecond: ids begin with their time (RFC 9562 section 5.7)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


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


class ClientFilter(RecordFilter):
    title = "client"
    parameter_name = "client"

    def known(self) -> Choices:
        recent = Client.objects.filter(last_seen__isnull=False).order_by("-last_seen")[:_RECENT_CLIENTS]
        chosen_id = number_in(str(self.used_parameters.get(self.parameter_name, "")))
        chosen = Client.objects.filter(pk=chosen_id) if chosen_id else []
        return [(str(client.pk), str(client)) for client in dict.fromkeys([*chosen, *recent])]

    def narrow(self, queryset: Records, value: str) -> Records:
        return queryset.filter(client_id=number_in(value))


class KindFilter(RecordFilter):
    title = "kind"
    parameter_name = "kind"

    def known(self) -> Choices:
        return list(CallRecord.Kind.choices)

    def narrow(self, queryset: Records, value: str) -> Records:
        return queryset.filter(Q(kind=value) if value == CallRecord.Kind.TOOL else Q(kind=value) & NO_TOOL_CALL)


class NameFilter(RecordFilter):
    title = "tool, resource or prompt"
    parameter_name = "tool"

    def known(self) -> Choices:
        return [(name, name) for name in known_names.names()]

    def narrow(self, queryset: Records, value: str) -> Records:
        return queryset.filter(tool=value)


class DecisionFilter(RecordFilter):
    title = "decision"
    parameter_name = "decision"

    def known(self) -> Choices:
        return list(CallRecord.Decision.choices)

    def narrow(self, queryset: Records, value: str) -> Records:
        return queryset.filter(decision=value)


class ReasonFilter(RecordFilter):
    title = "reason"
    parameter_name = "reason"

    def known(self) -> Choices:
        return reason_choices()

    def narrow(self, queryset: Records, value: str) -> Records:
        if value == Reason.ALLOWED:
            return queryset.filter(decision=CallRecord.Decision.ALLOWED)
        return queryset.filter(reason=value, decision=CallRecord.Decision.DENIED)


class OutcomeFilter(RecordFilter):
    title = "outcome"
    parameter_name = "outcome"

    def known(self) -> Choices:
        return list(OUTCOMES.items())

    def narrow(self, queryset: Records, value: str) -> Records:
        now = timezone.now()
        if value == RUNNING:
            return queryset.filter(outcome="", deadline__gt=now)
        if value == CallRecord.Outcome.UNKNOWN:
            return queryset.filter(Q(outcome=value) & UNUSUAL_OUTCOME | Q(outcome="", deadline__lte=now))
        return queryset.filter(
            Q(outcome=value) if value == CallRecord.Outcome.OK else Q(outcome=value) & UNUSUAL_OUTCOME
        )


class TimeFilter(RecordFilter):
    title = "time"
    parameter_name = "since"

    def known(self) -> Choices:
        return times()

    def narrow(self, queryset: Records, value: str) -> Records:
        start = start_of_time(value)
        return queryset.filter(pk__gte=first_id_at(start)) if start else queryset.none()


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
