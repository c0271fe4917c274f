"""Filters call records by what no other list has. Each filter is answered by an index, also among a million rows."""

from authz_app.models import CallRecord
from authz_app.pages.shared.filters import ChoiceFilter, Choices, SearchFilter
from authz_app.pages.shared.words import OUTCOMES, reason_choices
from authz_app.policy_store.tool_port import tool_names
from authz_app.record_search.filters import Filter, one_of


class NameFilter(SearchFilter):
    title = "tool, resource or prompt"
    parameter_name = "tool"

    def known(self) -> Choices:
        return [(name, name) for name in tool_names()]

    def left(self, value: str) -> Filter:
        # What a stranger asked for may look like a glob.
        return one_of("tool", [value])


class KindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"

    def known(self) -> Choices:
        return list(CallRecord.Kind.choices)


class DecisionFilter(ChoiceFilter):
    title = "decision"
    parameter_name = "decision"

    def known(self) -> Choices:
        return list(CallRecord.Decision.choices)


class ReasonFilter(ChoiceFilter):
    title = "reason"
    parameter_name = "reason"

    def known(self) -> Choices:
        return reason_choices()


class OutcomeFilter(ChoiceFilter):
    title = "outcome"
    parameter_name = "outcome"

    def known(self) -> Choices:
        return list(OUTCOMES.items())
