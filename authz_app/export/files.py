"""Write an export to files, or to stdout."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from authz_app.evidence.keys import AuditKeyError, AuditSigner, signer
from authz_app.export.exporting import csv_rows, jsonl, seals_alone
from authz_app.export.selection import SelectedRows, Selection


def export_to(output: str | None, selection: Selection, progress: Callable[[int], None]) -> Iterator[Path]:
    """Write the records, and yield the files that were written.

    With CSV each table has a file of its own, and the seals are in one beside them.
    """
    key = key_if_there()
    if output is None:
        sys.stdout.buffer.writelines(jsonl(selection, key, progress))
        sys.stdout.buffer.flush()
    elif output.endswith(".csv"):
        for name, chosen in csv_names(Path(output).stem, selection):
            yield _write(Path(output).with_name(f"{name}.csv"), csv_rows(selection, chosen, progress))
        yield _write(Path(output).with_suffix(".seals.jsonl"), seals_alone(selection, key))
    else:
        yield _write(Path(output), jsonl(selection, key, progress))


def csv_names(name: str, selection: Selection) -> Iterator[tuple[str, SelectedRows]]:
    """The name of each table's file: the first has the given name."""
    first, *others = selection.tables
    yield name, first
    for chosen in others:
        yield f"{name}.{chosen.sealed.name}s", chosen


def key_if_there() -> AuditSigner | None:
    """The key of this machine, to sign the export as a whole. Without it the seals still prove the records."""
    try:
        return signer()
    except AuditKeyError:
        return None


def _write(path: Path, lines: Iterable[bytes]) -> Path:
    # What records say is confidential.
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.writelines(lines)
    return path
