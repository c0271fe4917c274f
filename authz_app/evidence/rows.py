"""The canonical line of a record: what its hash is taken of. ``docs/evidence.md`` has it in words.

A line is a JSON object without spaces, its members in the order given here, in UTF-8, ended by a line feed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Sealed:
    """A table whose rows are sealed: the columns of each canonical line, in order, ``id`` first.

    ``final`` is SQL that holds for rows that will not change any more, but for ``undelivered`` for a few seconds.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    final: str
    times: frozenset[str] = frozenset({"at"})
    booleans: frozenset[str] = frozenset()


CALLS = Sealed(
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
        "undelivered",
    ),
    final="(decision = 'denied' OR outcome <> '')",
    times=frozenset({"at", "deadline"}),
    booleans=frozenset({"undelivered"}),
)
SEALED: tuple[Sealed, ...] = (CALLS,)


def line_of(sealed: Sealed) -> Callable[[Sequence[Any]], bytes]:
    """How a row of that table, its columns in order as either database gives them, becomes its line."""
    times = [sealed.columns.index(name) for name in sorted(sealed.times)]
    booleans = [sealed.columns.index(name) for name in sorted(sealed.booleans)]
    names = ("v", "table", *sealed.columns)

    def line(row: Sequence[Any]) -> bytes:
        values = list(row)
        values[0] = _id_text(values[0])
        for place in times:
            values[place] = _time_text(values[place])
        for place in booleans:
            values[place] = bool(values[place])
        fields = dict(zip(names, (FORMAT, sealed.name, *values), strict=True))
        return orjson.dumps(fields, default=repr, option=orjson.OPT_APPEND_NEWLINE)

    return line


def _id_text(value: Any) -> str:
    text = value.hex if isinstance(value, UUID) else str(value)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" if len(text) == 32 else text


_MICROSECONDS = len("2026-11-27 02:36:51.123456")
_SECONDS = len("2026-11-27 02:36:51")


def _time_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return utc_text(value)
    text = str(value)
    # SQLite: naive UTC, and without a fraction where it is nought.
    if len(text) == _SECONDS:
        text += ".000000"
    return f"{text[:10]}T{text[11:]}Z" if len(text) == _MICROSECONDS else text


def utc_text(moment: datetime) -> str:
    """A moment as it is signed: UTC, with microseconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat("T", "microseconds") + "Z"


MEMBER_BYTES = 48


def member(record_id: UUID, line: bytes) -> bytes:
    """What a seal keeps of a record: its id, and the SHA-256 of its line."""
    return record_id.bytes + sha256(line).digest()


def split(members: bytes) -> list[bytes]:
    """Each record's part of a seal's members."""
    return [members[start : start + MEMBER_BYTES] for start in range(0, len(members), MEMBER_BYTES)]


def as_uuid(value: Any) -> UUID:
    """A record's id, as either database gives it."""
    return value if isinstance(value, UUID) else UUID(str(value))


def joined(lines: Iterable[tuple[UUID, bytes]]) -> bytes:
    """The members of a segment, in the order of their ids."""
    return b"".join(member(record_id, line) for record_id, line in sorted(lines))
