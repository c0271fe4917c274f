"""Keeps the register of open MCP sessions, so that events open and close each one once, whichever worker reports it.

The transaction that takes a session out of the register writes the event that it was closed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from authz_app.audit.events import Event, EventKind, EventNote, SessionClosed, SessionOpened, event
from authz_app.audit.sql import RECORDS, Statements

REGISTER = "authz_app_opensession"
# To count more would hold up what waits for the same transaction.
MOST_CALLS = 10_000
# The worker that opened the session may write that later than another writes that it was closed.
_OPENING_MAY_TAKE = timedelta(seconds=60)
_COPIED = ("client_id", "client_name", "issuer", "subject", "oauth_client_id", "address")
_COLUMNS = ("mcp_session", "opened_at", "holder", "transport", *_COPIED)
_INSERT = f"INSERT INTO {REGISTER} ({', '.join(_COLUMNS)}) VALUES {{rows}} ON CONFLICT (mcp_session) DO NOTHING"
_TAKE = f"DELETE FROM {REGISTER} WHERE mcp_session = %s RETURNING opened_at, transport, {', '.join(_COPIED)}"
_COUNT = f"SELECT count(*) FROM (SELECT 1 FROM {RECORDS} WHERE mcp_session = %s LIMIT {MOST_CALLS + 1}) AS calls"


def write_events(statements: Statements, cursor: Any, recorded: Sequence[EventNote]) -> list[SessionClosed]:
    """Write events, and open and close sessions. Returns the closings of sessions not open: not yet, or no more."""
    opened = [one for one in recorded if isinstance(one, SessionOpened)]
    events = [one for one in recorded if isinstance(one, Event)] + [one.event for one in opened]
    closings = {one.mcp_session: one for one in reversed(recorded) if isinstance(one, SessionClosed)}
    if opened:
        _enter(statements, cursor, opened)
    closed = {key: _closed(statements, cursor, closing) for key, closing in closings.items()}
    events += [found for found in closed.values() if found is not None]
    if events:
        statements.add_events(cursor, events)
    return [closing for key, closing in closings.items() if closed[key] is None]


def may_be_open_yet(closing: SessionClosed) -> bool:
    """Whether the opening of a session that is not open here may be on its way."""
    return datetime.now(UTC) - closing.at < _OPENING_MAY_TAKE


def _enter(statements: Statements, cursor: Any, opened: Sequence[SessionOpened]) -> None:
    rows = [
        (one.event.mcp_session, one.event.at.timestamp(), one.holder, one.transport)
        + tuple(getattr(one.event, name) for name in _COPIED)
        for one in opened
    ]
    values = ", ".join([f"({', '.join(['%s'] * len(_COLUMNS))})"] * len(rows))
    statements.run(cursor, _INSERT.format(rows=values), [value for row in rows for value in row])


def _closed(statements: Statements, cursor: Any, closing: SessionClosed) -> Event | None:
    found = statements.run(cursor, _TAKE, [closing.mcp_session]).fetchone()
    if found is None:
        return None
    opened_at, transport, *copied = found
    ((calls,),) = statements.run(cursor, _COUNT, [closing.mcp_session]).fetchall()
    details = {
        "why": closing.why,
        "seconds": max(round(closing.at.timestamp() - opened_at, 1), 0.0),
        "calls": calls if calls <= MOST_CALLS else f"more than {MOST_CALLS:,}",
        "transport": transport,
    }
    if closing.software:
        details["software"] = closing.software
    return event(
        EventKind.SESSION_CLOSED,
        details,
        at=closing.at,
        mcp_session=closing.mcp_session,
        actor=closing.actor,
        worker=closing.worker,
        **dict(zip(_COPIED, copied, strict=True)),
    )
