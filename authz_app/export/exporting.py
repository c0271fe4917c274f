"""Write selected records out with what proves them: the seals over them.

A seal names its records by their hashes, so those that the query leaves out need not be shown to prove the others.
``docs/evidence.md`` has the format; ``docs/verify_records.py`` reads it.
"""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from heapq import merge
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet

from authz_app.conf import conf
from authz_app.evidence.canonical import FORMAT, SEALED, SealedTable, line_of, utc_text
from authz_app.evidence.keys import AuditSigner
from authz_app.export.selection import SelectedRows, Selection
from authz_app.models import AuditKey, AuditSeal

_CHUNK = 1_000
_RECORD = b'{"table":'
_UNSEALED_RECORDS = tuple(f'{{"table":"{sealed.name}","seal":null,'.encode() for sealed in SEALED)
# A spreadsheet takes what begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
Progress = Callable[[int], None]


def jsonl(selection: Selection, key: AuditSigner | None, progress: Progress = lambda records: None) -> Iterator[bytes]:
    """The records as JSON objects, one a line, each segment's followed by its seal; at the end a signature over all.

    Without a ``key`` the file is not signed as a whole; its records are proved by their seals all the same.
    """
    hashed, count = sha256(), 0
    for line in _lines(selection):
        count += line.startswith(_RECORD) and not line.startswith(_UNSEALED_RECORDS)
        hashed.update(line)
        yield line
        progress(count)
    yield _end(selection, hashed.hexdigest(), count, key)


def seals_alone(selection: Selection, key: AuditSigner | None) -> Iterator[bytes]:
    """The lines of ``jsonl`` without the records, to go with records in CSV."""
    hashed, count = sha256(), 0
    for line in _lines(selection):
        if line.startswith(_RECORD):
            count += not line.startswith(_UNSEALED_RECORDS)
        else:
            hashed.update(line)
            yield line
    yield _end(selection, hashed.hexdigest(), count, key)


def csv_rows(
    selection: Selection, selected: SelectedRows, progress: Progress = lambda records: None
) -> Iterator[bytes]:
    """One table's records as CSV (RFC 4180). What a spreadsheet would take for a formula begins with an apostrophe."""
    yield _csv(["table", "seal", *selected.sealed.columns])
    for count, record in enumerate(chain(_sealed(selection, selected), _unsealed(selection, selected)), 1):
        yield _csv([selected.sealed.name, record.seal, *orjson.loads(record.line)[2:]])
        progress(count)


def _csv(values: list[Any]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerow([_cell(value) for value in values])
    return written.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    return f"'{value}" if value.startswith(_FORMULA) else value


def _json(**fields: Any) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _lines(selection: Selection) -> Iterator[bytes]:
    yield _json(
        export=FORMAT,
        at=utc_text(datetime.now(UTC)),
        chosen_by=selection.chosen_by,
        whole=selection.is_whole,
        interval=conf().audit_seal_seconds,
        columns={chosen.sealed.name: chosen.sealed.columns for chosen in selection.tables},
    )
    for row in AuditKey.objects.order_by("pk"):
        yield _json(key=row.statement, signature=row.signature, predecessor_signature=row.predecessor_signature)
    done: int | None = 0 if selection.is_whole else None
    within = False
    for seal, _, sealed, line in _records(selection):
        if seal is not None and seal != done:
            # Those before, of which the query has nothing, keep the chain whole.
            yield from _seals(selection, seal - 1 if done is None else done, seal, within)
            done, within = seal, True
        elif seal is None and within:
            yield from _seal_and_after(selection, done, within)
            done, within = None, False
        yield _row(sealed, seal, line)
    yield from _seal_and_after(selection, done, within)


def _row(sealed: SealedTable, seal: int | None, line: bytes) -> bytes:
    values = orjson.loads(line)
    return _json(table=values[1], seal=seal, **dict(zip(sealed.columns, values[2:], strict=True)))


def _seals(selection: Selection, after: int, before: int, first_has_rows: bool) -> Iterator[bytes]:
    """The seal of the segment whose records were just written, and those up to the next one with selected records."""
    numbers = AuditSeal.objects.order_by("number").filter(number__gte=after, number__lt=before)
    for seal in numbers.iterator(_CHUNK):
        if first_has_rows or seal.number > after:
            yield _seal(seal, selection.is_whole or seal.number == after)


def _seal_and_after(selection: Selection, done: int | None, within: bool) -> Iterator[bytes]:
    if done is not None and (within or selection.is_whole):
        yield from _seals(selection, done, selection.upto + 1 if selection.is_whole else done + 1, within)


def _seal(seal: AuditSeal, with_members: bool) -> bytes:
    return _json(
        sealed=seal.statement,
        signature=seal.signature,
        members=bytes(seal.members).hex() if with_members else None,
        pruned=seal.pruned,
        pruned_signature=seal.pruned_signature,
    )


class _Record(NamedTuple):
    """A record in the order of the file: by its seal and id. ``seal`` is None where it has none yet."""

    seal: int | None
    id: UUID
    sealed: SealedTable
    line: bytes


def _records(selection: Selection) -> Iterator[_Record]:
    """Sealed records in the order of their seals, those of all tables together; then those that are not sealed yet."""
    yield from merge(*(_sealed(selection, chosen) for chosen in selection.tables), key=lambda record: record[:2])
    yield from merge(*(_unsealed(selection, chosen) for chosen in selection.tables), key=lambda record: record.id)


def _sealed(selection: Selection, selected: SelectedRows) -> Iterator[_Record]:
    rows = selected.rows.filter(seal__lte=selection.upto).order_by("seal", "id")
    return _read(rows, selected.sealed, is_sealed=True)


def _unsealed(selection: Selection, selected: SelectedRows) -> Iterator[_Record]:
    rows = selected.rows.filter(Q(seal__isnull=True) | Q(seal__gt=selection.upto)).order_by("id")
    return _read(rows, selected.sealed, is_sealed=False)


def _read(rows: "QuerySet[Any]", sealed: SealedTable, *, is_sealed: bool) -> Iterator[_Record]:
    line = line_of(sealed)
    for seal, *row in rows.values_list("seal", *sealed.columns).iterator(_CHUNK):
        yield _Record(seal if is_sealed else None, row[0], sealed, line(row))


def _end(selection: Selection, hashed: str, count: int, key: AuditSigner | None) -> bytes:
    checkpoint = selection.checkpoint
    statement = orjson.dumps(
        {
            "v": FORMAT,
            "export": hashed,
            "records": count,
            "head": None if checkpoint is None else [checkpoint.number, checkpoint.digest],
            "at": utc_text(datetime.now(UTC)),
            "key": "" if key is None else key.id,
        }
    ).decode()
    return _json(ended=statement, signature="" if key is None else key.sign(statement))
