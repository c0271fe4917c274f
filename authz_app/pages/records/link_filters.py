"""Filters that links set to show the call records of one MCP session, or under one seal."""

from authz_app.pages.records.filters import CallFilter, Choices, number_in
from authz_app.record_search import filters
from authz_app.record_search.filters import Filter


class SessionFilter(CallFilter):
    """Set by links alone: nobody chooses a session from its hash."""

    title = "MCP session"
    parameter_name = "session"

    def known(self) -> Choices:
        return []

    def has_output(self) -> bool:
        return bool(self.used_parameters.get(self.parameter_name))

    def left(self, value: str) -> Filter:
        return filters.by_session([value])


class SealFilter(SessionFilter):
    """Set by links alone, from the page of a seal."""

    title = "seal"
    parameter_name = "seal"

    def left(self, value: str) -> Filter:
        return filters.by_seal([number_in(value)])
