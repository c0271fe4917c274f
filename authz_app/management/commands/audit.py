"""`manage.py audit` verifies records against their seals, exports and prunes them, and rotates the key."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from shlex import quote
from typing import Any
from urllib.parse import parse_qsl

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from authz_app.audit.entries import AuditUnavailable
from authz_app.conf import conf
from authz_app.evidence.checkpoint import Checkpoint, known_checkpoint, last_number
from authz_app.evidence.keyring import Keyring, keyring, local_keyring
from authz_app.evidence.keys import AuditKeyError, public_hex, public_pem, signer
from authz_app.evidence.pruning import prunable, prune
from authz_app.evidence.rotation import rotate
from authz_app.evidence.sealer import seal_what_is_due
from authz_app.evidence.snapshot import snapshot
from authz_app.evidence.verification import Report, verify
from authz_app.export.events import record_export, record_pruning
from authz_app.export.files import export_to
from authz_app.export.selection import Selection, everything, found_by
from authz_app.management.progress import Progress
from authz_app.models import AuditEvent, AuditKey, CallRecord
from authz_app.pages.shared.filters import as_search

_BAD, _COULD_NOT = 1, 2
# What follows the ? of a page, which names its filters.
_ADDRESS = re.compile(r"\??[a-z_]+=")


class Command(BaseCommand):
    # Whoever verifies a copy of the database has none of the rest of the configuration.
    requires_system_checks: list[str] = []
    help = "Verify that records are as they were written; write them out; remove old ones; change keys."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        verifying = actions.add_parser(
            "verify", help="check every record against its seal; exit code 1: not as written"
        )
        verifying.add_argument("--public-key", metavar="FILE", help="trust this public key, and not this machine's")
        verifying.add_argument(
            "--expect", metavar="NUMBER:DIGEST", type=_checkpoint, help="a seal that a log has, so it must be there"
        )
        keys = actions.add_parser("keys", help="list the public keys")
        keys.add_argument("--pem", action="store_true", help="print the current public key alone, in PEM form")
        keys.add_argument(
            "--rotate", action="store_true", help="let a new key take over; the old private key is deleted"
        )
        exporting = actions.add_parser(
            "export", help="write records out, with their seals: all, unless some are chosen"
        )
        exporting.add_argument(
            "--where", metavar="SEARCH", default="", help="call records alone: those that a search finds"
        )
        exporting.add_argument("--events", action="store_true", help="events alone; with --where those that it finds")
        exporting.add_argument(
            "--output", metavar="FILE", help="a name ending in .jsonl or .csv (default: JSONL on stdout)"
        )
        pruning = actions.add_parser("prune", help="remove the records of whole segments, and leave their seals")
        pruning.add_argument("--older-than", metavar="AGE", type=_age, required=True, help="such as 400d, 18w or 24h")
        pruning.add_argument(
            "--tool",
            metavar="NAME",
            nargs="+",
            action="extend",
            default=[],
            help="segments that have nothing but these",
        )
        whether = pruning.add_mutually_exclusive_group()
        whether.add_argument("--dry-run", action="store_true", help="say what would go (the default)")
        whether.add_argument("--yes", action="store_true", help="remove it")
        actions.add_parser("seal", help="seal what is final now, and not only when it is due")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, f"_{action}")(options)
        except AuditKeyError as error:
            raise CommandError(str(error), returncode=_COULD_NOT) from error
        except AuditUnavailable as error:
            raise CommandError(f"{error} ({error.__cause__})", returncode=_COULD_NOT) from error

    def _verify(self, options: dict[str, Any]) -> None:
        ring, known = _trusted(options["public_key"]), options["expect"] or known_checkpoint(connection)
        interval = timedelta(seconds=conf().audit_seal_seconds)
        with snapshot(connection), Progress(self.stderr, "seals", last_number(connection)) as progress:
            report = verify(connection, ring, known, interval, progress.reach)
        for finding in report.findings:
            self.stdout.write(self.style.ERROR(finding))
        self.stdout.write(f"Checked: {report.records:,} records under {report.seals:,} seals.")
        for unchecked in report.unchecked:
            self.stdout.write(f"Not checked: {unchecked}")
        self._conclude(report)

    def _conclude(self, report: Report) -> None:
        if report.findings:
            raise CommandError(
                "The records are not as they were written. The first place is named first.", returncode=_BAD
            )
        if report.last is not None:
            self.stdout.write(f"The last seal is {report.last.number}:{report.last_digest}, of {report.last.at}.")
        self.stdout.write(self.style.SUCCESS("All that was checked is as it was written."))

    def _keys(self, options: dict[str, Any]) -> None:
        if options["rotate"]:
            new = rotate(connection)
            self.stderr.write(f"The key {new.id} signs from now on. Put its file on every machine of this site.")
        current = signer()
        if options["pem"]:
            self.stdout.write(public_pem(current.public), ending="")
            return
        for row in AuditKey.objects.all():
            fields = orjson.loads(row.statement)
            mark = "  (signs here)" if row.id == current.id else ""
            self.stdout.write(f"{row.id}  since {fields['at']}, from seal {fields['first_seal']}{mark}")
            self.stdout.write(f"    {fields['public']}")

    def _export(self, options: dict[str, Any]) -> None:
        try:
            wanted = _selection(options["where"], options["events"])
        except ValueError as error:
            raise CommandError(f"--where {options['where']!r}: {error}") from error
        form = "csv" if (options["output"] or "").endswith(".csv") else "jsonl"
        record_export(wanted, form)
        with Progress(self.stderr, "records", wanted.count()) as progress:
            written = list(export_to(options["output"], wanted, progress.reach))
        for path in written:
            self.stdout.write(f"Written: {path}")

    def _prune(self, options: dict[str, Any]) -> None:
        before = datetime.now(UTC) - options["older_than"]
        segments = list(prunable(before, options["tool"]))
        records = sum(segment.count for segment in segments)
        what = f"{records:,} records of {len(segments):,} segments, all from before {before:%Y-%m-%d %H:%M} UTC"
        if not options["yes"]:
            self.stdout.write(f"Would be removed: {what}. Their seals stay. With --yes they are removed.")
            return
        key = signer()
        if segments:
            record_pruning(records, [one.seal for one in segments], f"{before:%Y-%m-%d %H:%M} UTC", options["tool"])
        with Progress(self.stderr, "segments", len(segments)) as progress:
            removed = prune(connection, segments, key, progress.reach)
        self.stdout.write(f"Removed: {removed:,} records of {what.partition(' of ')[2]}. Their seals stay.")

    def _seal(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"Seals made: {seal_what_is_due(None)}.")


def _selection(where: str, events: bool) -> Selection:
    if not where and not events:
        return everything()
    if _ADDRESS.match(where):
        search = as_search(dict(parse_qsl(where.lstrip("?"))))
        raise ValueError(f"that is a part of the address of a page. Write it as a search: --where {quote(search)}")
    return found_by(where, AuditEvent if events else CallRecord)


def _trusted(path: str | None) -> Keyring:
    if path is None:
        return local_keyring()
    try:
        with open(path, "rb") as file:
            return keyring(AuditKey.objects.all(), public_hex(file.read()))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is no Ed25519 public key in PEM form: {error}", returncode=_COULD_NOT) from error


_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def _age(text: str) -> timedelta:
    number, unit = text[:-1], _UNITS.get(text[-1:])
    if unit is None or not number.isdecimal() or not 0 < int(number) < 10_000:
        raise ArgumentTypeError(f"{text!r} is not an age such as 400d, 18w or 24h")
    return timedelta(**{unit: int(number)})


def _checkpoint(text: str) -> Checkpoint:
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise ArgumentTypeError(f"{text!r} is not a number, a colon and 64 hexadecimal digits")
    return Checkpoint(int(number), digest)
