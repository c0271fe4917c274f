"""Drill: sealing was off for long, and a great many records wait. It catches up, in bounded memory."""

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
_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


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
    """Run `manage.py audit`; returns the most memory that it took, in kB.

    Told by a small process between: one that is started begins with the most that whoever started it has taken.
    """
    command = [sys.executable, "-c", _MEASURED, sys.executable, "manage.py", "audit", action]
    done = subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])
