"""An export proves itself to whoever has the file, the public key and nothing else of this site.

Covers: authz_app.export.files
"""

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from authz_app.evidence.keys import public_pem, signer
from authz_app.evidence.rotation import rotate
from authz_app.evidence.sealer import seal_what_is_due
from authz_app.export.files import export_to
from authz_app.export.selection import everything, found_by
from authz_app.models import AuditEvent, CallRecord
from tests.authz_app.evidence.records import final_events, final_records, key_file, sealed, sealed_with_events  # noqa: F401
from tests.authz_app.evidence.tamperings import TAMPERINGS
from tests.site import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.usefixtures("key_file")]
YOUNG = timedelta(seconds=30)
VERIFIER = ROOT / "docs" / "verify_records.py"


def export(directory: Path, search: str = "", form: str = "jsonl") -> list[str]:
    (directory / "audit.pem").write_text(public_pem(signer().public))
    wanted = found_by(search) if search else everything()
    files = [str(path) for path in export_to(str(directory / f"records.{form}"), wanted, lambda count: None)]
    return [*files[:-1], "--seals", files[-1]] if form == "csv" else files


def verified(directory: Path, arguments: Sequence[str]) -> tuple[int, list[str]]:
    """Run alone: nothing of this site can be imported."""
    command = [sys.executable, "-I", str(VERIFIER), "--public-key", str(directory / "audit.pem"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=directory)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stdout.splitlines() + ended.stderr.splitlines()


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_all_records_are_proved(tmp_path: Path, form: str) -> None:
    sealed(5, 0, 3)
    final_events(4)
    sealed(2)
    final_records(2, ago=YOUNG)
    final_events(1, ago=YOUNG)
    code, said = verified(tmp_path, export(tmp_path, form=form))
    assert (code, said) == (
        0,
        ["Checked: 14 records, 5 seals.", "Not checked: 3 records that were not sealed yet.", "As it was written."],
    )


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_exactly_the_filtered_records_are_given_and_proved(tmp_path: Path, form: str) -> None:
    sealed(1, 8, 0, 8, 1)
    arguments = export(tmp_path, "decision:denied", form)
    text = Path(arguments[0]).read_text()
    denied = set(CallRecord.objects.filter(decision="denied").values_list("pk", flat=True))
    assert denied == {record.pk for record in CallRecord.objects.all() if _gives(text, record, form)}
    code, said = verified(tmp_path, arguments)
    assert (code, said[0]) == (0, f"Checked: {len(denied)} records, 3 seals.")
    assert "12 records of the same segments, which were not asked for." in said[1]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_calls_alone_and_events_alone_are_proved(tmp_path: Path, form: str) -> None:
    final_events(3)
    sealed(4)
    for model, count in ((CallRecord, 4), (AuditEvent, 3)):
        (tmp_path / "audit.pem").write_text(public_pem(signer().public))
        wanted = found_by("", model)
        files = [str(path) for path in export_to(str(tmp_path / f"some.{form}"), wanted, lambda count: None)]
        code, said = verified(tmp_path, [*files[:-1], "--seals", files[-1]] if form == "csv" else files)
        assert (code, said[0]) == (0, f"Checked: {count} records, 1 seals.")
        assert not [line for line in said if "of the same segments" in line]


@pytest.mark.parametrize(
    ("options", "tables"),
    [([], {"call", "event"}), (["--where", "decision:denied"], {"call"}), (["--events"], {"event"})],
)
def test_the_command_writes_out_what_it_is_asked_for(tmp_path: Path, options: list[str], tables: set[str]) -> None:
    final_events(2)
    sealed(8)
    output = tmp_path / "records.jsonl"
    call_command("audit", "export", "--output", str(output), *options, stdout=StringIO())
    lines = [json.loads(line) for line in output.read_bytes().splitlines()]
    assert {line["table"] for line in lines if "table" in line} == tables
    (tmp_path / "audit.pem").write_text(public_pem(signer().public))
    assert verified(tmp_path, [str(output)])[0] == 0


def _gives(text: str, record: CallRecord, form: str) -> bool:
    """Seals name the ends of their segments, which may be others."""
    return f",{record.pk}," in text if form == "csv" else f'"id":"{record.pk}"' in text


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_the_verifier_names_what_was_done_in_the_database(tmp_path: Path, tamper: Callable[[], str]) -> None:
    sealed_with_events(*[5] * 6)
    said = tamper()
    code, lines = verified(tmp_path, export(tmp_path))
    assert code == 1
    place = " ".join(said.split()[:2])
    assert lines[0].startswith(place), lines[:3]


def drop_a_line(lines: list[bytes]) -> str:
    gone = json.loads(lines.pop(3))
    return f"Record {gone['id']} was removed"


def edit_a_line(lines: list[bytes]) -> str:
    lines[3] = lines[3].replace(b'"TimeTool"', b'"TameTool"')
    return f"Record {json.loads(lines[3])['id']} was edited"


def cut_the_end(lines: list[bytes]) -> str:
    del lines[-1]
    return "The end of the file was cut off."


def cut_a_segment(lines: list[bytes]) -> str:
    """All after the first seal, but for the end."""
    first = next(number for number, line in enumerate(lines) if line.startswith(b'{"sealed"'))
    del lines[first + 1 : -1]
    return "The export is not as it was made"


@pytest.mark.parametrize("tamper", [drop_a_line, edit_a_line, cut_the_end, cut_a_segment])
def test_the_verifier_names_what_was_done_to_the_file(tmp_path: Path, tamper: Callable[[list[bytes]], str]) -> None:
    sealed(4, 4)
    arguments = export(tmp_path)
    lines = Path(arguments[0]).read_bytes().splitlines(keepends=True)
    said = tamper(lines)
    Path(arguments[0]).write_bytes(b"".join(lines))
    code, found = verified(tmp_path, arguments)
    assert code == 1
    assert found[0].startswith(said)


def test_an_edited_cell_is_named(tmp_path: Path) -> None:
    sealed(4)
    arguments = export(tmp_path, form="csv")
    with open(arguments[0], newline="") as file:
        rows = list(csv.reader(file))
    rows[2][rows[0].index("tool")] = "Harmless"
    with open(arguments[0], "w", newline="") as file:
        csv.writer(file).writerows(rows)
    code, found = verified(tmp_path, arguments)
    assert (code, found[0]) == (1, f"Record {rows[2][2]} was edited after seal 1 was made.")


def test_a_spreadsheet_finds_no_formula(tmp_path: Path) -> None:
    (record,) = final_records(1)
    CallRecord.objects.filter(pk=record.pk).update(client_software="=HYPERLINK(1)", error="'quoted")
    seal_what_is_due(None)
    arguments = export(tmp_path, form="csv")
    assert ",=" not in Path(arguments[0]).read_text()
    assert verified(tmp_path, arguments)[0] == 0


@pytest.mark.parametrize("trusted", ["old", "new"])
def test_either_key_proves_what_was_sealed_with_both(tmp_path: Path, trusted: str) -> None:
    sealed(2)
    keys = {"old": signer().public}
    rotate(connection)
    keys["new"] = signer().public
    sealed(2)
    arguments = export(tmp_path)
    (tmp_path / "audit.pem").write_text(public_pem(keys[trusted]))
    assert verified(tmp_path, arguments)[0] == 0


def test_another_key_proves_nothing(tmp_path: Path) -> None:
    sealed(2)
    arguments = export(tmp_path)
    rotate(connection)
    (tmp_path / "audit.pem").write_text(public_pem(signer().public))
    code, found = verified(tmp_path, arguments)
    assert (code, "is not among those of the export" in found[0]) == (1, True)


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"[]\n", b'{"sealed": "{}"}\n', b"\xff\n"])
def test_what_is_no_export_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    sealed(1)
    arguments = export(tmp_path)
    Path(arguments[0]).write_bytes(content)
    assert verified(tmp_path, arguments)[0] in (1, 2)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_what_is_sealed_while_it_is_written_out_disturbs_nothing(tmp_path: Path, form: str) -> None:
    sealed(3)
    final_records(2, ago=YOUNG)
    (tmp_path / "audit.pem").write_text(public_pem(signer().public))
    wanted = everything()
    seal_what_is_due(None)
    files = [str(path) for path in export_to(str(tmp_path / f"records.{form}"), wanted, lambda count: None)]
    code, said = verified(tmp_path, [*files[:-1], "--seals", files[-1]] if form == "csv" else files)
    assert (code, said[:2]) == (
        0,
        ["Checked: 3 records, 1 seals.", "Not checked: 2 records that were not sealed yet."],
    )
