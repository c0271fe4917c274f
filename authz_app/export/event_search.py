"""Defines the search language for events: some qualifiers of call records, and those that events alone have."""

import re
from collections.abc import Mapping, Sequence

from django.db.models import Q

from authz_app.audit.events import EventKind
from authz_app.record_search.filters import Filter
from authz_app.record_search.qualifiers import QUALIFIERS as OF_CALL_RECORDS, Qualifier, SearchContext, known_values
from authz_app.record_search.search import Language

_SESSION = re.compile(r"[0-9a-f]{32}")
_SHARED = ("client", "session", "since", "until", "seal", "id")


def _kinds(values: Sequence[str], context: SearchContext) -> Filter:
    return Filter(Q(kind__in=known_values("kind", values, [kind.value for kind in EventKind])))


def _actors(values: Sequence[str], context: SearchContext) -> Filter:
    return Filter(Q(actor__in=values))


def session_or_actor(words: str) -> Filter:
    """Leave the events of an MCP session, by its key; otherwise what somebody of exactly this name did."""
    return Filter(Q(mcp_session=words) if _SESSION.fullmatch(words) else Q(actor=words))


QUALIFIERS: Mapping[str, Qualifier] = {
    "kind": Qualifier(_kinds, "kind:export", "what happened"),
    "actor": Qualifier(_actors, "actor:ada", "who did it, in the admin or in a terminal"),
    **{name: OF_CALL_RECORDS[name] for name in _SHARED},
}
EVENTS = Language(QUALIFIERS, session_or_actor)
