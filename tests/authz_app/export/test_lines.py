"""Lines for a log collector: each record once, in one line, wherever they go and whatever becomes of that.

Covers: authz_app.export.line_output, authz_app.export.line_writer
"""

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import connection, connections

from authz_app.evidence.keys import public_pem, signer
from authz_app.evidence.pruning import Prunable, prune
from authz_app.evidence.rotation import rotate
from authz_app.evidence.sealer import seal_what_is_due
from authz_app.export.line_output import File, Stdout, output_for
from authz_app.export.line_writer import LineWriter
from authz_app.models import AuditEvent, AuditLines, AuditSeal, CallRecord
from tests.authz_app.evidence.records import final_events, final_records, key_file, sealed  # noqa: F401
from tests.authz_app.export.test_exporting import verified
from tests.databases import rule_for_everybody
from tests.eventually import wait_until
from tests.site import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.usefixtures("key_file")]
SECRET = "a word that only the arguments have"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The file that lines are written to, from its first record on."""
    path = tmp_path / "audit.jsonl"
    write(path)
    path.write_bytes(b"")
    return path


def write(path: Path, *, full: bool = False, worker: str = "worker") -> None:
    LineWriter(File(path), worker, full=full).follow(File(path))


def lines(path: Path, member: str = "table") -> list[dict[str, Any]]:
    whole, _, _ = path.read_bytes().rpartition(b"\n")  # The rest is being written.
    return [said for raw in whole.splitlines() if member in (said := json.loads(raw))]


def proved(directory: Path, *logs: Path) -> tuple[int, list[str]]:
    (directory / "audit.pem").write_text(public_pem(signer().public))
    return verified(directory, ["--log", *map(str, logs)])


def test_each_record_and_event_has_a_line_and_its_seal_comes_after(log: Path, tmp_path: Path) -> None:
    CallRecord.objects.filter(pk=final_records(3)[0].pk).update(arguments=json.dumps({"x": SECRET}), claims=SECRET)
    final_events(2)
    seal_what_is_due(None)
    write(log)
    said = [json.loads(raw) for raw in log.read_bytes().splitlines()]
    assert [next(iter(one)) for one in said] == ["key", *["table"] * 3, "sealed", *["table"] * 2, "sealed"]
    assert {one["id"] for one in said if "table" in one} == {
        str(row.pk) for model in (CallRecord, AuditEvent) for row in model._default_manager.all()
    }
    assert {"tool", "decision", "subject", "outcome", "seal", "hash"} <= said[1].keys()
    code, found = proved(tmp_path, log)
    assert (code, found[0]) == (0, "Checked: 5 records, 2 seals.")


def test_arguments_and_claims_are_withheld_unless_they_are_asked_for(tmp_path: Path, log: Path) -> None:
    (record,) = final_records(1)
    CallRecord.objects.filter(pk=record.pk).update(arguments=json.dumps({"x": SECRET}), claims=SECRET)
    seal_what_is_due(None)
    write(log)
    assert SECRET not in log.read_text()
    assert {"arguments", "claims"} <= set(lines(log)[0]["withheld"])
    AuditLines.objects.all().delete()
    AuditSeal.objects.all().delete()
    CallRecord.objects.update(seal=None)
    whole = tmp_path / "whole.jsonl"
    write(whole, full=True)
    seal_what_is_due(None)
    write(whole, full=True)
    assert SECRET in whole.read_text()
    code, found = proved(tmp_path, whole)
    assert (code, [what for what in found if "left out" in what]) == (0, [])


def test_nothing_in_a_record_can_forge_a_line(log: Path) -> None:
    hostile = 'x\n{"table":"call"}\r\u2028\u2029\x85\u202e\x00"\U0001f600'.replace("\x00", "")
    final_records(1)
    CallRecord.objects.update(tool=hostile, client_software=hostile, error=hostile)
    seal_what_is_due(None)
    write(log)
    text = log.read_bytes().decode("ascii")
    assert len(text.splitlines()) == 3  # The key, the record and the seal.
    assert lines(log)[0]["tool"] == hostile


def test_a_line_is_bounded_and_says_what_was_cut(tmp_path: Path, log: Path) -> None:
    final_records(1)
    CallRecord.objects.update(rules="\U0001f600" * 100_000, token_scopes="y" * 40_000)
    seal_what_is_due(None)
    write(log)
    assert max(map(len, log.read_bytes().splitlines())) < 65_536
    assert set(lines(log)[0]["cut"]) == {"rules", "token_scopes"}
    assert proved(tmp_path, log)[0] == 0


@pytest.mark.parametrize("number", [1e-7, 2.0, 123_456.7, None])
def test_numbers_are_written_as_they_were_hashed(tmp_path: Path, log: Path, number: float | None) -> None:
    final_records(1)
    CallRecord.objects.update(duration_ms=number)
    seal_what_is_due(None)
    write(log, full=True)
    code, found = proved(tmp_path, log)
    assert (code, found[0]) == (0, "Checked: 1 records, 1 seals.")


def test_what_was_sealed_before_is_in_no_line_and_nothing_is_there_twice(tmp_path: Path) -> None:
    sealed(2)
    log = tmp_path / "audit.jsonl"
    write(log)
    sealed(3, 0)
    write(log)
    write(log)
    assert [line["seal"] for line in lines(log)] == [2, 2, 2]
    assert len(lines(log, "sealed")) == 2
    assert proved(tmp_path, log)[0] == 0


def test_the_log_goes_on_where_the_file_was_rotated_away(tmp_path: Path, log: Path) -> None:
    sealed(2)
    write(log)
    log.rename(tmp_path / "audit.jsonl.1")
    sealed(3)
    write(log)
    assert [len(lines(path)) for path in (tmp_path / "audit.jsonl.1", log)] == [2, 3]
    code, said = proved(tmp_path, log, tmp_path / "audit.jsonl.1")
    assert (code, said[0]) == (0, "Checked: 5 records, 2 seals.")


def test_a_worker_that_died_before_it_could_say_so_has_its_segment_written_twice_and_that_proves_itself(
    tmp_path: Path, log: Path
) -> None:
    sealed(3)
    write(log)
    AuditLines.objects.update(upto=0, held_until=None)
    with open(log, "ab") as file:
        file.write(b'{"table":"call","seal":1,"id":"01')  # The machine lost power in the middle of a line.
    write(log, worker="another")
    code, said = proved(tmp_path, log)
    assert (code, said[0]) == (0, "Checked: 3 records, 1 seals.")
    assert any("1 lines that are no JSON" in what for what in said)


def test_a_worker_leaves_it_to_the_one_that_is_at_it_until_that_is_late(log: Path) -> None:
    sealed(2)
    write(log, worker="another")
    assert lines(log) == []
    AuditLines.objects.update(held_until=datetime.now(UTC) - timedelta(seconds=1))
    write(log, worker="another")
    assert len(lines(log)) == 2


def test_a_key_that_takes_over_is_in_the_log_before_its_first_seal(tmp_path: Path, log: Path) -> None:
    sealed(2)
    (tmp_path / "old.pem").write_text(public_pem(signer().public))
    rotate(connection)
    sealed(2)
    write(log)
    assert verified(tmp_path, ["--log", str(log), "--public-key", "old.pem"])[0] == 0
    assert proved(tmp_path, log)[0] == 0


def test_what_was_pruned_meanwhile_is_said_to_be(tmp_path: Path, log: Path) -> None:
    sealed(2, 3)
    prune(connection, [Prunable(1, 2)], signer())
    write(log)
    code, said = proved(tmp_path, log)
    assert (code, said[0]) == (0, "Checked: 3 records, 2 seals.")


def edit_a_line(said: list[dict[str, Any]]) -> str:
    said[2]["subject"] = "mallory"
    return f"Record {said[2]['id']} was edited after it was logged."


def edit_a_line_and_its_hash(said: list[dict[str, Any]]) -> str:
    said[2]["hash"] = "00" * 32
    said[2]["withheld"] = ["arguments"]
    return "The records of seal 1 are not those that were sealed."


def remove_a_line(said: list[dict[str, Any]]) -> str:
    del said[2]
    return "Seal 1 is over 4 records, and the log has 3."


def remove_a_seal(said: list[dict[str, Any]]) -> str:
    said[:] = [one for one in said if '"seal":2,' not in one.get("sealed", "")]
    return "Seal 2 is missing"


def add_a_line(said: list[dict[str, Any]]) -> str:
    said.insert(3, {**said[2], "id": "01a21b45-e54b-7485-b509-0934fe11ba7f"})
    return "Seal 1 is over 4 records, and the log has 5."


def say_a_line_twice(said: list[dict[str, Any]]) -> str:
    said.insert(3, {**said[2], "subject": "mallory"})
    return f"Record {said[2]['id']} is there twice, and not the same."


@pytest.mark.parametrize(
    "tamper", [edit_a_line, edit_a_line_and_its_hash, remove_a_line, remove_a_seal, add_a_line, say_a_line_twice]
)
def test_the_verifier_names_what_was_done_to_a_log(
    tmp_path: Path, log: Path, tamper: Callable[[list[dict[str, Any]]], str]
) -> None:
    sealed(4, 4, 4)
    write(log, full=True)
    said = [json.loads(raw) for raw in log.read_bytes().splitlines()]
    what = tamper(said)
    log.write_text("".join(json.dumps(one, separators=(",", ":")) + "\n" for one in said))
    code, found = proved(tmp_path, log)
    assert (code, found[0][: len(what)]) == (1, what)


class Breaking:
    """An output that is broken until it is mended."""

    def __init__(self, path: Path) -> None:
        self.file = File(Path("/dev/full"))
        self.mended = File(path)

    def write(self, lines: Sequence[bytes]) -> None:
        self.file.write(lines)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
def test_a_full_disk_stops_nothing_is_said_once_and_nothing_is_lost(
    log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = Breaking(log)
    tried = threading.Semaphore(0)

    class Watched:
        def write(self, lines: Sequence[bytes]) -> None:
            try:
                output.write(lines)
            finally:
                tried.release()

    writer = LineWriter(Watched(), "worker", full=False, look=0.01)
    sealed(2)
    with caplog.at_level(logging.INFO, "authz_app.evidence"):
        writer.start()
        for _ in range(3):
            assert tried.acquire(timeout=30)
        sealed(1)
        output.file = output.mended
        wait_until(lambda: len(lines(log)) == 3 and any("written again" in line for line in caplog.messages))
    writer.stop()
    told = [line for line in caplog.messages if "AUDIT_LINES" in line]
    assert told == [
        "Lines of records (AUDIT_LINES) cannot be written: No space left on device. They are written as soon as that is"
        " possible.",
        "Lines of records (AUDIT_LINES) are written again.",
    ]


class Pipe(NamedTuple):
    """Files, so that closing one twice closes no other that has its number by then."""

    source: FileIO
    end: FileIO


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    source, end = os.pipe()
    with FileIO(source) as reading, FileIO(end, "w") as writing:
        yield Pipe(reading, writing)


def test_a_pipe_that_nobody_reads_holds_up_nothing_and_what_was_sealed_comes_when_it_is_read(
    pipe: Pipe, tmp_path: Path
) -> None:
    writer = LineWriter(Stdout(pipe.end.fileno()), "worker", full=False, look=0.01)
    AuditLines.objects.create(pk=1, upto=0)
    sealed(300)  # Much more than a pipe holds.
    writer.start()
    wait_until(lambda: AuditLines.objects.get().holder == "worker")
    assert seal_what_is_due(None) == 1
    writer.stop(timeout=0.1)
    taken = b""
    while taken.count(b'{"sealed"') < 1:
        taken += os.read(pipe.source.fileno(), 65_536)
    (tmp_path / "taken").write_bytes(taken)
    assert len(lines(tmp_path / "taken")) == 300
    writer.stop(timeout=30)


def test_a_pipe_that_was_closed_is_an_error_that_is_said(pipe: Pipe) -> None:
    pipe.source.close()
    sealed(1)
    output = Stdout(pipe.end.fileno())
    with pytest.raises(BrokenPipeError):
        LineWriter(output, "worker", full=False).follow(output)
    assert not AuditLines.objects.exists()


def test_what_is_half_written_to_stdout_is_not_taken_for_a_line(pipe: Pipe) -> None:
    os.set_blocking(pipe.end.fileno(), False)
    output = Stdout(pipe.end.fileno())
    with pytest.raises(BlockingIOError):
        output.write([b"x" * 1_000_000])
    os.set_blocking(pipe.source.fileno(), False)
    with suppress(BlockingIOError):
        while os.read(pipe.source.fileno(), 65_536):
            pass
    output.write([b"{}\n"])
    assert os.read(pipe.source.fileno(), 10) == b"\n{}\n"


def test_two_workers_write_each_record_once(tmp_path: Path, log: Path) -> None:
    def work(name: str) -> None:
        try:
            for _ in range(20):
                write(log, worker=name)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, args=(name,)) for name in ("one", "other")]
    for worker in workers:
        worker.start()
    sealed(*[3] * 10)
    for worker in workers:
        worker.join(60)
    write(log, worker=AuditLines.objects.get().holder)
    assert len(lines(log)) == 30
    assert len(lines(log, "sealed")) == 10


@pytest.mark.parametrize(("setting", "kind"), [("", None), ("off", None), ("stdout", Stdout), ("/x/y.jsonl", File)])
def test_the_setting_names_where_lines_go(setting: str, kind: type | None) -> None:
    output = output_for(setting)
    assert type(output) is kind if kind else output is None


async def test_a_site_writes_lines_to_its_file_also_after_it_was_moved_away(
    start_site: Callable[..., Site], fresh_database: str, tmp_path: Path
) -> None:
    log, old = tmp_path / "site.jsonl", tmp_path / "site.jsonl.1"
    rule_for_everybody(fresh_database, "*")
    site = start_site(fresh_database, AUDIT_SEAL_SECONDS="0.3", AUDIT_LINES=str(log))
    async with site.streamable_client() as client:
        await client.call_tool("TimeTool", {})
        wait_until(lambda: log.exists() and len(lines(log)) >= 1)
        log.rename(old)
        await client.call_tool("TimeTool", {})
    wait_until(lambda: log.exists() and any(line.get("tool") == "TimeTool" for line in lines(log)))
    site.stop()
    (tmp_path / "audit.pem").write_text(site.manage("audit", "keys", "--pem").stdout)
    assert log.stat().st_mode & 0o007 == 0
    code, said = verified(tmp_path, ["--log", str(old), str(log)])
    assert (code, said[-1]) == (0, "As it was written.")
