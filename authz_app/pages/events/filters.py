"""Filters events by their kind; their other filters are shared with other lists."""

from authz_app.export.event_search import QUALIFIERS
from authz_app.pages.events.words import KINDS
from authz_app.pages.shared.filters import ChoiceFilter, Choices


class EventKindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"
    qualifiers = QUALIFIERS

    def known(self) -> Choices:
        return [(str(kind), words) for kind, words in KINDS.items()]
