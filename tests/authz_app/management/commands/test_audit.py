"""`manage.py audit`, and the worker that seals.

Covers: authz_app.management.progress
"""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.backlog import ON_SQLITE as BACKLOG_ON_SQLITE
from tests.databases import connect, execute, rows, rule_for_everybody
from tests.site import ROOT, Site


async def test_a_site_seals_by_itself_and_the_command_verifies_it(
    start_site: Callable[..., Site], fresh_database: str
) -> None:
    rule_for_everybody(fresh_database, "*")
    site = start_site(fresh_database, AUDIT_SEAL_SECONDS="0.2")
    async with site.streamable_client() as client:
        await client.call_tool("TimeTool", {})
    assert site.wait_for_line(r"Seal 1: [0-9a-f]{64} \{.*\} [0-9a-f]{128}")
    line = site.wait_for_line(r"Seal \d+: .*\"count\":[1-9]", 30)
    number, digest = re.findall(r"Seal (\d+): ([0-9a-f]{64})", line)[0]
    site.stop()
    assert rows(fresh_database, "SELECT count(*) FROM authz_app_callrecord WHERE seal IS NULL") == [(0,)]

    whole = site.manage("audit", "verify", "--expect", f"{number}:{digest}")
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "Checked: " in whole.stdout
    _break(fresh_database)
    broken = site.manage("audit", "verify")
    assert broken.returncode == 1
    assert re.search(r"^Record [0-9a-f-]{36} was edited after seal \d+ was made\.$", broken.stdout, re.MULTILINE)
    site.assert_no_traceback()


def _break(database_url: str) -> None:
    """Edit a record, as somebody would who may change the schema."""
    sqlite = database_url.startswith("sqlite")
    table = "" if sqlite else " ON authz_app_callrecord"
    execute(database_url, f"DROP TRIGGER evidence_record_opening_update{table}")
    execute(database_url, "UPDATE authz_app_callrecord SET subject = 'mallory'")


def test_keys_are_listed_and_changed(fresh_sqlite: str) -> None:
    site = Site(fresh_sqlite)
    assert "Seals made: 1" in site.manage("audit", "seal").stdout
    first = site.manage("audit", "keys")
    assert re.search(r"^[0-9a-f]{16}  since .*, from seal 1  \(signs here\)$", first.stdout, re.MULTILINE)
    rotated = site.manage("audit", "keys", "--rotate")
    assert re.search(r"^[0-9a-f]{16}  since .*, from seal 2  \(signs here\)$", rotated.stdout, re.MULTILINE)
    site.manage("audit", "seal")
    assert site.manage("audit", "verify").returncode == 0
    assert site.manage("audit", "keys", "--pem").stdout.startswith("-----BEGIN PUBLIC KEY-----")
    with connect(fresh_sqlite) as database:
        assert database.execute("SELECT count(*) FROM authz_app_auditkey").fetchone() == (2,)


def test_without_its_key_nothing_is_verified_and_it_is_said(fresh_sqlite: str) -> None:
    told = Site(fresh_sqlite).manage("audit", "verify")
    assert told.returncode == 2
    assert "There is no audit key file" in told.stderr


def test_an_export_shows_how_far_it_is_at_a_terminal_and_takes_that_away_again(
    fresh_sqlite: str, tmp_path: Path
) -> None:
    site = Site(fresh_sqlite)
    with connect(fresh_sqlite) as database:
        database.execute(BACKLOG_ON_SQLITE, [3])  # And one event: that they are exported.
    output = str(tmp_path / "records.jsonl")
    shown = at_a_terminal(site, "audit", "export", "--output", output)
    bar, told = shown.split("\r\x1b[K")
    assert re.search("\r[█·]{30} \\d+ of 4 records\x1b\\[K$", bar)
    assert told.split() == ["Written:", output]
    assert "\x1b[31" not in shown
    piped = site.manage("audit", "export", "--output", output)
    assert (piped.stdout, piped.stderr) == (f"Written: {output}\n", "")


def at_a_terminal(site: Site, *arguments: str) -> str:
    """What `manage.py` shows somebody who sits at one."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "manage.py", *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=site.environment, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # Linux says so when nobody else has it open.
            while taken := os.read(ours, 4_096):
                shown += taken
    os.close(ours)
    return shown.decode()
