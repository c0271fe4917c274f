"""Reads and ends open MCP sessions for the admin, from its threads.

The store lives on the server's event loop, and so does the worker: both are only touched there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from asgiref.sync import async_to_sync
from django.db.models import Count

from authz_app.core import actor
from authz_app.models import CallRecord, Client
from authz_app.redaction.log_lines import visible
from authz_app.tokens.claims import MAX_TIME
from tools_app import models
from tools_app.sessions.session import McpSessionState, SessionsUnavailable
from tools_app.wire.meta import software_in
from tools_app.worker.process import process_worker

WHY = "an administrator ended it"
Chosen = tuple[list[McpSessionState], list[McpSessionState], str]


@dataclass(frozen=True, slots=True)
class Listing:
    """The newest open sessions of a search, and how many it found altogether."""

    rows: list[models.McpSession]
    total: int


@dataclass(frozen=True, slots=True)
class Ending:
    """The sessions that were ended, those that perhaps were not, and why."""

    ended: list[models.McpSession]
    doubtful: list[models.McpSession]
    problem: str


def listing(term: str, most: int) -> Listing:
    """At most ``most`` open sessions, newest first; with a ``term``, those that contain it.

    Raises:
        SessionsUnavailable: the store cannot be reached.
    """
    found = _found(async_to_sync(_listed)(), term.strip().lower())
    newest = sorted(found, key=lambda session: session.opened_at, reverse=True)[:most]
    return Listing(rows_of(newest), len(found))


def end(keys: Collection[str]) -> Ending:
    """End those of these sessions that are open, on whichever worker they are.

    Raises:
        SessionsUnavailable: the store cannot be reached, so nothing was ended.
    """
    ended, doubtful, problem = async_to_sync(_end)(keys, actor.readable(actor.current()))
    return Ending(rows_of(ended), rows_of(doubtful), problem)


async def _listed() -> list[McpSessionState]:
    return await process_worker().sessions.listed()


async def _end(keys: Collection[str], actor: str) -> Chosen:
    worker = process_worker()
    chosen = [session for session in await worker.sessions.listed() if session.key in keys]
    for place, session in enumerate(chosen):
        try:
            await worker.lifetime.end(session.key, WHY, actor)
        except SessionsUnavailable as error:
            return chosen[:place], chosen[place:], str(error)
    return chosen, [], ""


def _found(sessions: Sequence[McpSessionState], term: str) -> Sequence[McpSessionState]:
    if not term:
        return sessions
    owners = set(Client.objects.filter(name__icontains=term).order_by().values_list("issuer", "subject"))
    return [session for session in sessions if session.owner[:2] in owners or term in _searched(session)]


def _searched(session: McpSessionState) -> str:
    fields = (*session.owner[1:], session.address, software_in(session.client_info), session.worker, session.key)
    return "\n".join(fields).lower()


def rows_of(sessions: Sequence[McpSessionState]) -> list[models.McpSession]:
    """The sessions with the names of their clients and the numbers of their calls: one query for each."""
    clients = _clients({session.owner[:2] for session in sessions})
    calls = _calls([session.key for session in sessions])
    return [_row(session, clients.get(session.owner[:2]), calls.get(session.key, 0)) for session in sessions]


def _row(session: McpSessionState, client: Client | None, calls: int) -> models.McpSession:
    issuer, subject, oauth_client_id = session.owner
    return models.McpSession(
        key=session.key,
        client_id=client.pk if client else None,
        client_name=visible(str(client) if client else subject),
        issuer=issuer,
        subject=visible(subject),
        oauth_client_id=visible(oauth_client_id),
        opened_at=_time(session.opened_at),
        expires_at=_time(session.expires_at),
        address=visible(session.address),
        client_software=software_in(session.client_info),
        transport=session.transport,
        worker=session.worker,
        calls=calls,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(seconds, MAX_TIME), UTC)


def _clients(owners: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Client]:
    issuers, subjects = {issuer for issuer, _ in owners}, {subject for _, subject in owners}
    found: Iterable[Client] = Client.objects.filter(issuer__in=issuers, subject__in=subjects).order_by()
    return {(client.issuer, client.subject): client for client in found}


def _calls(keys: Sequence[str]) -> Mapping[str, int]:
    counted = CallRecord.objects.filter(mcp_session__in=keys).order_by().values_list("mcp_session")
    return dict(counted.annotate(Count("pk")))
