"""Defines what each qualifier of a search of call records means: its values become a `Filter`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authz_app.models import CallRecord
from authz_app.policy.decision import Reason
from authz_app.record_search import filters, times
from authz_app.record_search.clients import clients_named
from authz_app.record_search.filters import RUNNING, Filter
from authz_app.record_search.parser import SearchError

ARGUMENTS = "args"
_MOST_STARS = 3
_LONGEST_NUMBER = 18  # Digits: all such numbers fit into the database's integers.


@dataclass(frozen=True, slots=True)
class SearchContext:
    """Says when somebody searches, in the time zone of the site, and whether they may see recorded arguments."""

    now: datetime
    sees_arguments: bool


@dataclass(frozen=True, slots=True)
class Qualifier:
    """One qualifier. ``means`` raises `SearchError`. ``example`` and ``hint`` are shown under the search box."""

    means: Callable[[Sequence[str], SearchContext], Filter]
    example: str
    hint: str
    negatable: bool = True


def _clients(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.one_of("client_id", [client for value in values for client in clients_named(value)])


def _tools(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.matching("tool", _patterns(values))


def _kinds(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.by_kind(known_values("kind", values, CallRecord.Kind.values))


def _decisions(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.by_decision(known_values("decision", values, CallRecord.Decision.values))


def _outcomes(values: Sequence[str], context: SearchContext) -> Filter:
    known = [*filter(None, CallRecord.Outcome.values), RUNNING]
    return filters.by_outcome(known_values("outcome", values, known), context.now)


def _reasons(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.by_reason(known_values("reason", values, [reason.value for reason in Reason]))


def _addresses(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.matching("address", _patterns(values))


def _sessions(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.one_of("mcp_session", tuple(dict.fromkeys(value.lower() for value in values)))


def _since(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.since(_moment("since", values, context, times.start_of))


def _until(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.until(_moment("until", values, context, times.end_of))


def _ids(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.one_of("pk", [_uuid(value) for value in values])


def _rules(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.by_rule([_number("rule", value) for value in values])


def _seals(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.one_of("seal", [_number("seal", value) for value in values])


def _software(values: Sequence[str], context: SearchContext) -> Filter:
    return filters.by_software(_patterns(values))


def _arguments(values: Sequence[str], context: SearchContext) -> Filter:
    if not context.sees_arguments:
        raise SearchError(
            f"To search in arguments ({ARGUMENTS}:) takes the permission “Can view recorded arguments”, which you do"
            " not have. Search without it."
        )
    return filters.by_arguments(values)


QUALIFIERS: Mapping[str, Qualifier] = {
    "client": Qualifier(_clients, "client:report", "how its name begins, its subject, or a glob"),
    "tool": Qualifier(_tools, "tool:weather_*", "name of a tool, a resource or a prompt, or a glob"),
    "decision": Qualifier(_decisions, "decision:denied", "allowed or denied"),
    "outcome": Qualifier(_outcomes, "outcome:crashed,timed_out", "ok, running, tool_error, crashed and so on"),
    "reason": Qualifier(_reasons, "reason:no_rule", "why it was decided so"),
    "address": Qualifier(_addresses, "address:203.0.113.*", "where the request came from"),
    "session": Qualifier(_sessions, "session:9f2c4e1b7a…", "the key of an MCP session, as records have it"),
    "since": Qualifier(_since, "since:2d", "90m, 12h, 2d, 4w, today, 2026-11-20, 2026-11-20T14:30", negatable=False),
    "until": Qualifier(_until, "until:yesterday", "the same; a day counts as a whole", negatable=False),
    ARGUMENTS: Qualifier(_arguments, 'args:"new york"', "a text in recorded arguments"),
    "kind": Qualifier(_kinds, "kind:prompt", "tool, resource, prompt, completion or session"),
    "rule": Qualifier(_rules, "rule:12", "the number of a rule that decided"),
    "software": Qualifier(_software, "software:claude*", "what the client software calls itself"),
    "seal": Qualifier(_seals, "seal:7", "the number of the seal over it"),
    "id": Qualifier(_ids, "id:0197…", "the id of a record"),
}


def known_values(name: str, values: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """Normalize the values of a qualifier that has a few known ones.

    Raises:
        SearchError: one is not.
    """
    plain = [value.lower().replace("-", "_") for value in values]
    for value in plain:
        if value not in known:
            raise SearchError(f"{name}: is one of {', '.join(known)}; not “{value}”.")
    return tuple(dict.fromkeys(plain))


def _patterns(values: Sequence[str]) -> list[str]:
    for value in values:
        if value.count("*") > _MOST_STARS:
            raise SearchError(f"“{value}” has more than {_MOST_STARS} stars. Leave some out.")
    return list(dict.fromkeys(values))


def _moment(
    name: str, values: Sequence[str], context: SearchContext, read: Callable[[str, datetime], datetime | None]
) -> datetime:
    if len(values) > 1:
        raise SearchError(f"{name}: has one value.")
    found = read(values[0], context.now)
    if found is None:
        raise SearchError(f"{name}: does not know “{values[0]}”. {times.HOW}")
    return found


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER):
        raise SearchError(f"{name}: is a number; not “{value}”.")
    return int(value)


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise SearchError(f"id: is the id of a record, such as 0197a3c4-…; not “{value}”.") from None
