"""Filters of events. Each is answered by an index of the table, also among a million rows."""

from django.db.models import QuerySet

from authz_app.core.ids import first_id_at
from authz_app.models import AuditEvent
from authz_app.pages.events.words import KINDS
from authz_app.pages.records.filters import Choices, RecordFilter, clients_to_choose, number_in, start_of_time, times

Events = QuerySet[AuditEvent]


class KindFilter(RecordFilter):
    title = "kind"
    parameter_name = "kind"

    def known(self) -> Choices:
        return [(str(kind), words) for kind, words in KINDS.items()]

    def narrow(self, queryset: Events, value: str) -> Events:
        return queryset.filter(kind=value)


class ClientFilter(RecordFilter):
    title = "client"
    parameter_name = "client"

    def known(self) -> Choices:
        return clients_to_choose(str(self.used_parameters.get(self.parameter_name, "")))

    def narrow(self, queryset: Events, value: str) -> Events:
        client_id = number_in(value)
        return queryset.filter(client_id=client_id) if client_id else queryset.none()


class TimeFilter(RecordFilter):
    title = "time"
    parameter_name = "since"

    def known(self) -> Choices:
        return times()

    def narrow(self, queryset: Events, value: str) -> Events:
        start = start_of_time(value)
        return queryset.filter(pk__gte=first_id_at(start)) if start else queryset.none()


class SessionFilter(RecordFilter):
    """Set by links alone: nobody chooses a session from its hash."""

    title = "MCP session"
    parameter_name = "session"

    def known(self) -> Choices:
        return []

    def has_output(self) -> bool:
        return bool(self.used_parameters.get(self.parameter_name))

    def narrow(self, queryset: Events, value: str) -> Events:
        return queryset.filter(mcp_session=value)


class SealFilter(SessionFilter):
    """Set by links alone, from the page of a seal."""

    title = "seal"
    parameter_name = "seal"

    def narrow(self, queryset: Events, value: str) -> Events:
        return queryset.filter(seal=number_in(value))
