"""Write the canonical line of a record, which its hash is taken of. ``docs/evidence.md`` describes the format.

A line is a JSON array without spaces: the format, the table, and the columns in the order given here, in UTF-8.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

FORMAT = 1


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table whose rows are sealed: the columns of each canonical line, in order, ``id`` first.

    ``final`` is SQL that holds for rows that will not change any more, but for ``undelivered`` for a few seconds.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    final: str
    times: frozenset[str] = frozenset({"at"})
    booleans: frozenset[str] = frozenset()


CALLS = SealedTable(
    name="call",
    table="authz_app_callrecord",
    columns=(
        "id",
        "at",
        "kind",
        "tool",
        "arguments",
        "decision",
        "reason",
        "rules",
        "policy_version",
        "claims",
        "client_id",
        "client_name",
        "issuer",
        "subject",
        "oauth_client_id",
        "token_scopes",
        "client_software",
        "mcp_session",
        "transport",
        "protocol_version",
        "address",
        "worker",
        "deadline",
        "outcome",
        "duration_ms",
        "result_size",
        "error",
        "result",
        "undelivered",
    ),
    final="(decision = 'denied' OR outcome <> '')",
    times=frozenset({"at", "deadline"}),
    booleans=frozenset({"undelivered"}),
)
EVENTS = SealedTable(
    name="event",
    table="authz_app_auditevent",
    columns=(
        "id",
        "at",
        "kind",
        "actor",
        "client_id",
        "client_name",
        "issuer",
        "subject",
        "oauth_client_id",
        "mcp_session",
        "address",
        "worker",
        "count",
        "details",
    ),
    final="true",
)
SEALED: tuple[SealedTable, ...] = (CALLS, EVENTS)


def line_of(sealed: SealedTable) -> Callable[[Sequence[Any]], bytes]:
    """The function that makes a row of that table, its columns in order as either database gives them, into its line.

    It runs for every record, in the process that answers calls.
    """
    times = [sealed.columns.index(name) + 2 for name in sorted(sealed.times)]
    booleans = [sealed.columns.index(name) + 2 for name in sorted(sealed.booleans)]
    name = sealed.name

    def line(row: Sequence[Any]) -> bytes:
        values = [FORMAT, name, *row]
        text = row[0].hex if isinstance(row[0], UUID) else row[0]
        values[2] = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        for place in times:
            moment = values[place]
            if type(moment) is str and len(moment) == _MICROSECONDS:
                values[place] = f"{moment[:10]}T{moment[11:]}Z"
            elif moment is not None:
                values[place] = _time_text(moment)
        for place in booleans:
            values[place] = bool(values[place])
        return orjson.dumps(values, default=repr)

    return line


_MICROSECONDS = len("2026-11-27 02:36:51.123456")
_SECONDS = len("2026-11-27 02:36:51")


def _time_text(value: Any) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    # SQLite: naive UTC, without a fraction where it is nought.
    text = str(value)
    return f"{text[:10]}T{text[11:]}.000000Z" if len(text) == _SECONDS else text


def utc_text(moment: datetime) -> str:
    """A moment as it is signed: in UTC, with microseconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat("T", "microseconds") + "Z"


MEMBER_BYTES = 48


def member(row_id: Any, line: bytes) -> bytes:
    """What a seal keeps of a record: its id, and the SHA-256 of its line."""
    return id_bytes(row_id) + sha256(line).digest()


def id_bytes(row_id: Any) -> bytes:
    """The 16 bytes of a record's id, as either database gives it; none where it is no id."""
    if isinstance(row_id, UUID):
        return row_id.bytes
    try:
        return bytes.fromhex(row_id)
    except (ValueError, TypeError):
        return b""


def split(members: bytes) -> list[bytes]:
    """Each record's part of a seal's members."""
    return [members[start : start + MEMBER_BYTES] for start in range(0, len(members), MEMBER_BYTES)]


def id_text(member: bytes) -> str:
    """The id that a record's part of a seal's members begins with."""
    return str(UUID(bytes=member[:16].ljust(16, b"\0")))
