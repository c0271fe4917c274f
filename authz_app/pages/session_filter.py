"""Filters that links set to show the call records of one MCP session, or under one seal."""

from authz_app.pages.record_filters import Choices, RecordFilter, Records, number_in


class SessionFilter(RecordFilter):
    """Set by links alone: nobody chooses a session from its hash."""

    title = "MCP session"
    parameter_name = "session"

    def known(self) -> Choices:
        return []

    def has_output(self) -> bool:
        return bool(self.used_parameters.get(self.parameter_name))

    def narrow(self, queryset: Records, value: str) -> Records:
        return queryset.filter(mcp_session=value)


class SealFilter(SessionFilter):
    """Set by links alone, from the page of a seal."""

    title = "seal"
    parameter_name = "seal"

    def narrow(self, queryset: Records, value: str) -> Records:
        return queryset.filter(seal=number_in(value))
