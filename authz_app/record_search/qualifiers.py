"""What each qualifier of a search of call records means: its values become a `Narrowing`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from authz_app.models import CallRecord
from authz_app.policy.decision import Reason
from authz_app.record_search import filters as narrowing
from authz_app.record_search import times as moments
from authz_app.record_search.clients import clients_called
from authz_app.record_search.errors import Unclear
from authz_app.record_search.filters import RUNNING, Narrowing

ARGUMENTS = "args"
_MOST_STARS = 3
_LONGEST_NUMBER = 18  # Digits: all such numbers fit into the database's integers.


@dataclass(frozen=True, slots=True)
class Asker:
    """Who searches: when, in the time zone of the site, and whether recorded arguments are shown to them."""

    now: datetime
    sees_arguments: bool


@dataclass(frozen=True, slots=True)
class Qualifier:
    """``means`` raises `Unclear`. ``example`` and ``hint`` are shown under the search box."""

    means: Callable[[Sequence[str], Asker], Narrowing]
    example: str
    hint: str
    negatable: bool = True


def _clients(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_client([client for value in values for client in clients_called(value)])


def _tools(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_tool(_patterns(values))


def _kinds(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_kind(_known("kind", values, CallRecord.Kind.values))


def _decisions(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_decision(_known("decision", values, CallRecord.Decision.values))


def _outcomes(values: Sequence[str], asker: Asker) -> Narrowing:
    known = [*filter(None, CallRecord.Outcome.values), RUNNING]
    return narrowing.by_outcome(_known("outcome", values, known), asker.now)


def _reasons(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_reason(_known("reason", values, _texts(Reason)))


def _addresses(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_address(_patterns(values))


def _sessions(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_session(tuple(dict.fromkeys(value.lower() for value in values)))


def _since(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.since(_moment("since", values, asker, moments.start_of))


def _until(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.until(_moment("until", values, asker, moments.end_of))


def _ids(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_id([_uuid(value) for value in values])


def _rules(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_rule([_number("rule", value) for value in values])


def _seals(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_seal([_number("seal", value) for value in values])


def _software(values: Sequence[str], asker: Asker) -> Narrowing:
    return narrowing.by_software(_patterns(values))


def _arguments(values: Sequence[str], asker: Asker) -> Narrowing:
    if not asker.sees_arguments:
        raise Unclear(
            f"To search in arguments ({ARGUMENTS}:) takes the permission “Can view recorded arguments”, which you do"
            " not have. Search without it."
        )
    return narrowing.by_arguments(values)


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


def _known(name: str, values: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    plain = [value.lower().replace("-", "_") for value in values]
    for value in plain:
        if value not in known:
            raise Unclear(f"{name}: is one of {', '.join(known)}; not “{value}”.")
    return tuple(dict.fromkeys(plain))


def _patterns(values: Sequence[str]) -> list[str]:
    for value in values:
        if value.count("*") > _MOST_STARS:
            raise Unclear(f"“{value}” has more than {_MOST_STARS} stars. Leave some out.")
    return list(dict.fromkeys(values))


def _moment(
    name: str, values: Sequence[str], asker: Asker, read: Callable[[str, datetime], datetime | None]
) -> datetime:
    if len(values) > 1:
        raise Unclear(f"{name}: has one value.")
    found = read(values[0], asker.now)
    if found is None:
        raise Unclear(f"{name}: does not know “{values[0]}”. {moments.HOW}")
    return found


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER):
        raise Unclear(f"{name}: is a number; not “{value}”.")
    return int(value)


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Unclear(f"id: is the id of a record, such as 0197a3c4-…; not “{value}”.") from None


def _texts(values: type[StrEnum]) -> list[str]:
    return [value.value for value in values]
