"""Verify all records against their seals, seal by seal, and name each place where they do not agree."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import groupby
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.evidence.canonical import SEALED, SealedTable, id_bytes, id_text, line_of, member
from authz_app.evidence.checkpoint import Checkpoint
from authz_app.evidence.keyring import Keyring
from authz_app.evidence.seal_checks import check_seal
from authz_app.evidence.sealing import LARGEST_SEGMENT, SETTLED_AFTER, settled
from authz_app.evidence.statements import NOTHING_BEFORE, SealFields, digest
from authz_app.models import AuditSeal

_CHUNK = 5_000
_SEALS_AT_A_TIME = 200
_MOST_FINDINGS = 100
# The number of a record's seal, and what that seal should have kept of the record.
Row = tuple[int, bytes]


@dataclass(slots=True)
class Report:
    """The result of a verification: what is bad, in the order of the seals, and what could not be checked."""

    seals: int = 0
    records: int = 0
    findings: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    last: SealFields | None = None
    last_digest: str = NOTHING_BEFORE
    pruned: list[int] = field(default_factory=list)
    pruned_records: int = 0

    def bad(self, what: str) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(what)


def verify(
    connection: BaseDatabaseWrapper,
    keys: Keyring,
    known: Checkpoint | None,
    interval: timedelta,
    progress: Callable[[int], None] = lambda seals: None,
) -> Report:
    """Check every seal and every sealed record. ``known`` is a seal that was seen elsewhere: in a log, by this machine.

    ``progress`` is called with the number of each seal that was checked.
    """
    report = Report(findings=list(keys.findings))
    groups = _groups(connection, report)
    number, group = next(groups, (None, []))
    for seal in _seals(connection):
        while number is not None and number < seal.number:
            _without_seal(number, group, report)
            number, group = next(groups, (None, []))
        own = group if number == seal.number else []
        if number == seal.number:
            number, group = next(groups, (None, []))
        _check_seal(seal, own, keys, report)
        if known is not None and seal.number == known.number and digest(seal.statement) != known.digest:
            report.bad(f"Seal {seal.number} is not the one that was made: that was {known.digest}.")
        progress(seal.number)
    while number is not None:
        _without_seal(number, group, report)
        number, group = next(groups, (None, []))
    _check_end(connection, report, known, interval)
    return report


def _seals(connection: BaseDatabaseWrapper) -> Iterator[AuditSeal]:
    after: int | None = None
    while True:
        chunk = AuditSeal.objects.using(connection.alias).order_by("number")
        found = list((chunk if after is None else chunk.filter(number__gt=after))[:_SEALS_AT_A_TIME])
        yield from found
        if len(found) < _SEALS_AT_A_TIME:
            return
        after = found[-1].number


def _groups(connection: BaseDatabaseWrapper, report: Report) -> Iterator[tuple[int, list[Row]]]:
    """The rows of records in order, grouped by the number of their seal."""
    rows = merge(*(_rows(connection, sealed, report) for sealed in SEALED))
    for number, group in groupby(rows, key=lambda row: row[0]):
        yield number, list(group)


def _rows(connection: BaseDatabaseWrapper, sealed: SealedTable, report: Report) -> Iterator[Row]:
    line, after = line_of(sealed), (-(2**62), "00000000000000000000000000000000")
    select = f"SELECT seal, {', '.join(sealed.columns)} FROM {sealed.table}"
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"{select} WHERE (seal, id) > (%s, %s) ORDER BY seal, id LIMIT {_CHUNK}", after)
                found: list[tuple[Any, ...]] = cursor.fetchall()
        except DatabaseError as error:
            report.bad(f"A record after {after[1]} of seal {after[0]} cannot be read: {error}.")
            return
        for row in found:
            yield int(row[0]), member(row[1], line(row[1:]))
        if len(found) < _CHUNK:
            return
        after = (found[-1][0], found[-1][1])


def _without_seal(number: int, rows: list[Row], report: Report) -> None:
    report.bad(f"Seal {number} is not there, though {len(rows)} records are in it; the first is {id_text(rows[0][1])}.")


def _check_seal(seal: AuditSeal, rows: list[Row], keys: Keyring, report: Report) -> None:
    expected = report.last.number + 1 if report.last else 1
    if seal.number != expected:
        missing = f"Seal {expected} is" if seal.number == expected + 1 else f"Seals {expected} to {seal.number - 1} are"
        report.bad(f"{missing} missing.")
    before = report.last_digest if seal.number == expected else None
    check = check_seal(seal, keys, before=before, found=[kept for _, kept in rows])
    if found := check.signature or check.link:
        report.bad(found)
    if check.fields is None:
        return
    report.seals += 1
    report.last, report.last_digest = check.fields, digest(seal.statement)
    for problem in check.records:
        report.bad(problem)
    if not seal.pruned:
        report.records += len(rows)
    elif not check.records:
        report.pruned.append(seal.number)
        report.pruned_records += check.fields.count


def _check_end(connection: BaseDatabaseWrapper, report: Report, known: Checkpoint | None, interval: timedelta) -> None:
    last = report.last.number if report.last else 0
    if known is None:
        report.unchecked.append(
            "Whether the newest seals were cut off: nothing was sealed from here. Compare the last one with the logs:"
            " `manage.py audit verify --expect NUMBER:DIGEST`."
        )
    elif known.number > last:
        several = known.number > last + 1
        which = f"Seals {last + 1} to {known.number} were" if several else f"Seal {known.number} was"
        report.bad(f"{which} made, and cut off: the last seal that is there is {last}.")
    if report.pruned:
        report.unchecked.append(
            f"{report.pruned_records} records of {len(report.pruned)} segments ({report.pruned[0]} to"
            f" {report.pruned[-1]}): they were pruned."
        )
    _check_unsealed(connection, report, interval)


def _check_unsealed(connection: BaseDatabaseWrapper, report: Report, interval: timedelta) -> None:
    """Find records that seals should have been made over: they came in behind the sealer's back."""
    if report.last is None:
        report.unchecked.append("Records: nothing has been sealed yet.")
        return
    at = min(datetime.fromisoformat(report.last.at), datetime.now(UTC))  # The clock may have been put back since.
    if report.last.count < LARGEST_SEGMENT:
        for sealed in SEALED:
            for record_id in settled(connection, sealed, at - SETTLED_AFTER - interval, _MOST_FINDINGS):
                report.bad(
                    f"Record {id_text(id_bytes(record_id))} was inserted, or written late: it is older than seal"
                    f" {report.last.number}, and in no seal."
                )
    if waiting := sum(_count_unsealed(connection, sealed) for sealed in SEALED):
        report.unchecked.append(f"{waiting} records that are not sealed yet, or still open.")
    age = datetime.now(UTC) - at
    if age > 3 * interval:
        report.unchecked.append(
            f"What was done since {report.last.at}: that is when the last seal was made, {report.last.number}. Either"
            " no worker has run since, or the seals after it were cut off; the logs have a line of each."
        )


def _count_unsealed(connection: BaseDatabaseWrapper, sealed: SealedTable) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {sealed.table} WHERE seal IS NULL")
        return int(cursor.fetchone()[0])
