"""Puts events into words: one sentence says what happened."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from authz_app.audit.events import EventKind
from authz_app.models import AuditEvent
from authz_app.pages.shared.words import TRANSPORTS, parsed_json
from authz_app.redaction.log_lines import visible

KINDS: dict[str, str] = {
    EventKind.SESSION_OPENED: "Session opened",
    EventKind.SESSION_CLOSED: "Session closed",
    EventKind.TOKENS_REFUSED: "Tokens refused",
    EventKind.REQUESTS_REFUSED: "Requests refused",
    EventKind.EXPORT: "Export",
    EventKind.PRUNING: "Pruning",
    EventKind.KEY_CHANGE: "Key change",
    EventKind.LOOK: "Look",
    EventKind.OUTAGE: "Outage",
    EventKind.EVENTS_LOST: "Events lost",
}
_OF_SESSIONS = (EventKind.SESSION_OPENED, EventKind.SESSION_CLOSED)
Details = Mapping[str, Any]


def kind_words(kind: str) -> str:
    return KINDS.get(kind, kind.replace("_", " ").capitalize())


def details_of(event: AuditEvent) -> dict[str, Any]:
    """Read the JSON of its details; empty where that is no object."""
    details = parsed_json(event.details)
    return details if isinstance(details, dict) else {}


def who(event: AuditEvent) -> str:
    """Name who did it; for the events of a session, the client whose session it is."""
    client = event.client_name or event.subject
    return visible(client or event.actor if event.kind in _OF_SESSIONS else event.actor or client)


def sentence(event: AuditEvent) -> str:
    tell = _SENTENCES.get(event.kind)
    return visible(tell(event, details_of(event)) if tell else kind_words(event.kind))


def _opened(event: AuditEvent, details: Details) -> str:
    text = f"Over {_transport(details)} from {event.address or 'an address that is not known'}"
    software = details.get("software")
    return f"{text}, by software that calls itself {software}." if software else f"{text}."


def _closed(event: AuditEvent, details: Details) -> str:
    why = str(details.get("why") or "for a reason that is not known")
    by = f" ({event.actor})" if event.actor else ""
    return f"{why[0].upper()}{why[1:]}{by}, after {_time(details.get('seconds'))} and {_calls(details.get('calls'))}."


def _refused(event: AuditEvent, details: Details) -> str:
    addresses = details.get("addresses", [])
    several = f"{'more than ' if details.get('more_addresses') else ''}{len(addresses)} addresses"
    where = addresses[0] if len(addresses) == 1 else several
    return f"{_many(event.count, 'request')} from {where}: {details.get('first', '')}"


def _export(event: AuditEvent, details: Details) -> str:
    tables = " and ".join(f"{name}s" for name in details.get("tables", [])) or "records"
    chosen = details.get("chosen_by")
    return f"{event.count:,} {tables}, as {str(details.get('form', '')).upper()}" + (
        f", chosen by {chosen}." if chosen else ", all of them."
    )


def _pruning(event: AuditEvent, details: Details) -> str:
    tools = details.get("tools")
    of = f" of calls of {', '.join(tools)}" if tools else ""
    segments, first, last = (details.get(name) for name in ("segments", "first_seal", "last_seal"))
    return f"{_many(event.count, 'record')} in {segments} segments{of}, seals {first} to {last}, from before " + (
        f"{details.get('older_than')}."
    )


def _key(event: AuditEvent, details: Details) -> str:
    follows = details.get("follows")
    text = f"The key {details.get('key')} signs from seal {details.get('first_seal')} on"
    return f"{text}; it follows {follows}." if follows else f"{text}, the first of all."


def _look(event: AuditEvent, details: Details) -> str:
    if "searched" in details:
        return f"Searched what arguments hold for {', '.join(map(str, details['searched']))}."
    return f"Looked at what a record of {details.get('tool', 'a call')} holds."


def _outage(event: AuditEvent, details: Details) -> str:
    refused, lost = (details.get(name, 0) for name in ("calls_refused", "outcomes_lost"))
    since, until = (_moment(details.get(name)) for name in ("from", "until"))
    text = f"Records could not be written from {since} until {until}"
    return f"{text}: {details.get('cause')}. Calls refused: {refused}; outcomes lost: {lost}."


def _lost(event: AuditEvent, details: Details) -> str:
    return f"{_many(event.count, 'event')}. {details.get('why', '')}"


def _transport(details: Details) -> str:
    return TRANSPORTS.get(details.get("transport", ""), "a transport that is not known")


def _moment(text: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(text)).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return "a time that is not known"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _calls(calls: Any) -> str:
    return _many(calls, "call") if isinstance(calls, int) else f"{calls} calls"


def _time(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return "an unknown time"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:g} s"


_SENTENCES: dict[str, Callable[[AuditEvent, Details], str]] = {
    EventKind.SESSION_OPENED: _opened,
    EventKind.SESSION_CLOSED: _closed,
    EventKind.TOKENS_REFUSED: _refused,
    EventKind.REQUESTS_REFUSED: _refused,
    EventKind.EXPORT: _export,
    EventKind.PRUNING: _pruning,
    EventKind.KEY_CHANGE: _key,
    EventKind.LOOK: _look,
    EventKind.OUTAGE: _outage,
    EventKind.EVENTS_LOST: _lost,
}
