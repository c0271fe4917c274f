"""Drill: four workers write calls and events, whichever of them seals, and nothing final waits for long."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authz_app.evidence.sealing import SETTLED_AFTER
from tests.databases import rows
from tests.drills.sizes import SLACK, size
from tests.site import ROOT, Site

WORKERS = 4
SECONDS = size(4.0, 60.0)
INTERVAL = size(1.0, 5.0)
_OLDEST = """
    SELECT at, duration_ms FROM authz_app_callrecord
    WHERE seal IS NULL AND (decision = 'denied' OR outcome <> '') ORDER BY id LIMIT 1
"""
_OLDEST_EVENT = "SELECT at, 0 FROM authz_app_auditevent WHERE seal IS NULL ORDER BY id LIMIT 1"


@pytest.mark.timeout(size(150, 400))
def test_four_workers_write_while_one_seals(fresh_database: str, tmp_path: Path) -> None:
    site = Site(fresh_database, LOCAL_ISSUER="true")
    command = [sys.executable, "-m", "tests.drills.writing", str(SECONDS), str(INTERVAL)]
    # Files, since nobody reads while they write.
    files = [(tmp_path / f"{number}.out", tmp_path / f"{number}.err") for number in range(WORKERS)]
    workers = [writing(command, site, out, err) for out, err in files]
    longest = timedelta()
    try:
        while any(worker.poll() is None for worker in workers):
            longest = max(longest, oldest_wait(fresh_database))
            time.sleep(0.2)  # A look at the table, as often as that.
    finally:
        for worker in workers:
            worker.kill()
    for worker in workers:
        worker.wait(10)
    said = [(out.read_text(), err.read_text()) for out, err in files]
    assert [worker.returncode for worker in workers] == [0] * WORKERS, said
    calls, events = (sum(int(out.split()[place]) for out, _ in said) for place in (0, 1))

    assert rows(fresh_database, "SELECT count(*) FROM authz_app_callrecord WHERE seal IS NOT NULL") == [(calls,)]
    assert rows(
        fresh_database, "SELECT count(*) FROM authz_app_auditevent WHERE kind = 'session_opened' AND seal > 0"
    ) == [(events,)]
    assert longest <= SETTLED_AFTER + timedelta(seconds=INTERVAL + SLACK)
    sealers = {err.count(": Seal ") > 0 for _, err in said}
    seals = sum(err.count(": Seal ") for _, err in said)
    assert rows(fresh_database, "SELECT count(*), max(number) FROM authz_app_auditseal") == [(seals, seals)]
    verified = site.manage("audit", "verify")
    assert verified.returncode == 0, verified.stdout
    print(
        f"{calls} calls and {events} events of {WORKERS} workers under {seals} seals; the longest that anything final"
        f" waited for its seal was {longest.total_seconds():.1f} s, of which {SETTLED_AFTER.total_seconds():.0f} s are"
        f" left to settle; all workers sealed: {sealers == {True}}"
    )


def writing(command: list[str], site: Site, out: Path, err: Path) -> "subprocess.Popen[bytes]":
    with out.open("w") as stdout, err.open("w") as stderr:
        return subprocess.Popen(command, cwd=ROOT, env=site.environment, stdout=stdout, stderr=stderr)


def oldest_wait(database_url: str) -> timedelta:
    """How long ago the oldest call or event ended that is final and has no seal."""
    waits = [timedelta()]
    for at, duration in [*rows(database_url, _OLDEST), *rows(database_url, _OLDEST_EVENT)]:
        began = datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at
        waits.append(datetime.now(UTC) - began - timedelta(milliseconds=duration or 0))
    return max(waits)
