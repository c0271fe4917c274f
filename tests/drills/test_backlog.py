"""Drill: sealing was off for long, and a great many records wait. It catches up, in bounded memory."""

import os
import subprocess
import sys
import time

import pytest

from tests import backlog
from tests.databases import connect, rows
from tests.drills.sizes import size
from tests.site import ROOT, Site

RECORDS = size(20_000, 1_000_000)
# kB. What a Python process with all of the site in it takes, and ten segments with long records.
MOST_MEMORY = 300_000


@pytest.mark.timeout(size(300, 3_600))
def test_a_backlog_is_sealed_in_bounded_memory(fresh_database: str) -> None:
    with connect(fresh_database) as database:
        database.execute(backlog.ON_SQLITE if fresh_database.startswith("sqlite") else backlog.ON_POSTGRESQL, [RECORDS])
    site = Site(fresh_database, LOCAL_ISSUER="true")
    began = time.monotonic()
    memory = run(site, "seal")
    took = time.monotonic() - began
    waiting = "SELECT count(*) FROM authz_app_callrecord WHERE seal IS NULL"
    assert rows(fresh_database, waiting) == [(0,)]
    assert memory < MOST_MEMORY
    verifying = run(site, "verify")
    assert verifying < MOST_MEMORY
    print(
        f"{RECORDS} records that waited: sealed in {took:.0f} s with {memory // 1024} MB;"
        f" verified with {verifying // 1024} MB"
    )


def run(site: Site, action: str) -> int:
    """Run `manage.py audit`; returns the most memory that it took, in kB."""
    command = [sys.executable, "manage.py", "audit", action]
    with subprocess.Popen(
        command, cwd=ROOT, env=site.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_maxrss
