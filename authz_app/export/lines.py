"""Make one line of each record, event, seal and key, for a log collector. ``docs/evidence.md`` has the format.

A line is JSON in ASCII, so nothing that a record holds can end it early or be taken for another.
"""

import codecs
import json
from collections.abc import Iterator
from typing import Any

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.evidence.canonical import SEALED, SealedTable, line_of, member
from authz_app.models import AuditKey, AuditSeal

# More people read a log than may see these in the admin.
_PRIVATE = frozenset({"arguments", "claims", "result"})
_LONGEST = 32_768
# In a line that is longer, no text is: so none is longer than twice that, whatever it is of.
_LONGEST_TEXT = 500


def key_line(key: AuditKey) -> bytes:
    return _line({"key": key.statement, "signature": key.signature, "predecessor_signature": key.predecessor_signature})


def segment_lines(connection: BaseDatabaseWrapper, seal: AuditSeal, *, full: bool) -> list[bytes]:
    """The lines of all records under a seal, and that of the seal. ``full``: with arguments, claims and results."""
    lines = [line for sealed in SEALED for line in _record_lines(connection, sealed, seal.number, full)]
    pruning = {"pruned": seal.pruned, "pruned_signature": seal.pruned_signature} if seal.pruned else {}
    return [*lines, _line({"sealed": seal.statement, "signature": seal.signature, **pruning})]


def _record_lines(connection: BaseDatabaseWrapper, sealed: SealedTable, number: int, full: bool) -> Iterator[bytes]:
    canonical = line_of(sealed)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(sealed.columns)} FROM {sealed.table} WHERE seal = %s ORDER BY id", [number])
        for row in cursor.fetchall():
            hashed = canonical(row)
            columns = dict(zip(sealed.columns, orjson.loads(hashed)[2:], strict=True))
            withheld = [] if full else [name for name in columns if name in _PRIVATE]
            shown = {name: value for name, value in columns.items() if name not in withheld}
            proof = member(row[0], hashed)[16:].hex()
            names_withheld = {"withheld": withheld} if withheld else {}
            yield _line({"table": sealed.name, "seal": number, **shown, "hash": proof, **names_withheld})


def _line(fields: dict[str, Any]) -> bytes:
    text = _json(fields)
    if len(text) > _LONGEST:
        cut = [name for name, value in fields.items() if isinstance(value, str) and len(value) > _LONGEST_TEXT]
        text = _json({**fields, **{name: fields[name][:_LONGEST_TEXT] for name in cut}, "cut": cut})
    return text + b"\n"


def _json(fields: dict[str, Any]) -> bytes:
    # Numbers as they are in what is hashed, which Python's own encoder writes in another way.
    return orjson.dumps(fields).decode().encode("ascii", _ESCAPED)


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


_ESCAPED = "authz_app.escaped"
codecs.register_error(_ESCAPED, _escape)
