"""Records what happens besides calls: sessions, refused tokens, what administrators do with records, outages.

A worker hands an event to ``AuditWriter.close``, which writes it soon. What an administrator does is written by
``record_now`` before it is done: what cannot be recorded is not done.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DatabaseError, InterfaceError, transaction

from authz_app.audit.entries import AuditUnavailable
from authz_app.core import actor
from authz_app.core.ids import uuid7
from authz_app.core.storable_text import storable
from authz_app.models import AuditEvent
from authz_app.redaction.redact import recorded_json

_TEXTS = ("actor", "client_name", "issuer", "subject", "oauth_client_id", "mcp_session", "address", "worker")
_LENGTHS = {field.name: field.max_length for field in AuditEvent._meta.concrete_fields}
_UNRECORDED = "This could not be recorded, so it was not done. Try again in a moment."


class EventKind(StrEnum):
    """The kinds of events. Changes of the policy are no events: they are in its history."""

    SESSION_OPENED = "session_opened"
    SESSION_CLOSED = "session_closed"
    TOKENS_REFUSED = "tokens_refused"
    REQUESTS_REFUSED = "requests_refused"
    EXPORT = "export"
    PRUNING = "pruning"
    KEY_CHANGE = "key_change"
    LOOK = "look"
    OUTAGE = "outage"
    EVENTS_LOST = "events_lost"


class Event(NamedTuple):
    """An event as it is written. Field names are the table's columns; ``event`` makes one that can be stored.

    ``actor`` is who did it in the admin or in a terminal. ``details`` is a JSON text, redacted and capped. ``count`` is
    how many things it stands for.
    """

    id: UUID
    at: datetime
    kind: str
    actor: str
    client_id: int
    client_name: str
    issuer: str
    subject: str
    oauth_client_id: str
    mcp_session: str
    address: str
    worker: str
    count: int  # type: ignore[assignment]  # the table's name for it, as records have "arguments"
    details: str


EVENT_COLUMNS: tuple[str, ...] = Event._fields


class SessionOpened(NamedTuple):
    """An MCP session was opened. It dies with the worker ``holder``, or with none in particular."""

    event: Event
    holder: str
    transport: str


class SessionClosed(NamedTuple):
    """An MCP session has ended; ``why`` is the reason, and ``actor`` the administrator who ended it, if one did.

    ``software`` is the client software.
    """

    mcp_session: str
    why: str
    at: datetime
    worker: str
    actor: str = ""
    software: str = ""


# An event, or something that becomes one: written beside the records of calls.
EventNote = Event | SessionOpened | SessionClosed


def event(
    kind: EventKind,
    details: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
    client_id: int = 0,
    count: int = 1,
    **texts: str,
) -> Event:
    """Make an event that can be stored. ``texts`` are the other columns, cut to fit; ``at`` is now by default."""
    kept = {name: storable(texts.pop(name, ""))[: _LENGTHS[name]] for name in _TEXTS}
    if texts:
        raise TypeError(f"An event has no {', '.join(texts)}.")
    return Event(
        id=uuid7(),
        at=at or datetime.now(UTC),
        kind=kind.value,
        client_id=client_id,
        count=count,
        details=recorded_json(dict(details or {})),
        **kept,
    )


def record_now(event: Event) -> None:
    """Commit an event before the thing itself is done. An event without an actor gets the one who is acting here.

    Raises:
        AuditUnavailable: it cannot be recorded, so do not do it.
        RuntimeError: there is a transaction around, with which it could be rolled back.
    """
    try:
        with transaction.atomic(durable=True):
            record_with(event)
    except (DatabaseError, InterfaceError) as error:
        raise AuditUnavailable(_UNRECORDED) from error


def record_with(event: Event) -> None:
    """Write an event in the transaction that does the thing itself: both commit, or neither.

    Raises:
        DatabaseError: it cannot be written.
    """
    name = event.actor or actor.readable(actor.current())
    AuditEvent(**event._replace(actor=name)._asdict()).save(force_insert=True)
