"""Drill: sealing was off for long, and a great many records wait. It catches up, in bounded memory."""

import os
import subprocess
import sys
import time

import pytest

from tests.databases import connect, rows
from tests.drills.sizes import size
from tests.site import ROOT, Site

RECORDS = size(20_000, 1_000_000)
# kB. What a Python process with all of the site in it takes, and ten segments with long records.
MOST_MEMORY = 300_000
_TEXTS = (
    "kind, tool, arguments, decision, reason, rules, claims, client_name, issuer, subject, oauth_client_id,"
    " token_scopes, client_software, mcp_session, transport, protocol_version, address, worker, outcome, error"
)
_VALUES = (
    "'tool', 'TimeTool', '{\"input_timezone\":\"Europe/Berlin\"}', 'allowed', 'allowed',"
    " '[{\"id\":1,\"sentence\":\"Allow it.\"}]', '', 'Report agent', 'https://issuer.example/', 'agent', 'app', 'time',"
    " 'report-agent 1', '9f2c', 'sse', '2025-11-25', '203.0.113.7', 'worker-1', 'ok', ''"
)
_NUMBERS = "policy_version, client_id, duration_ms, result_size, undelivered"
_INTO = f"INSERT INTO authz_app_callrecord (id, at, deadline, {_TEXTS}, {_NUMBERS}) SELECT"
_SQLITE = f"""
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
    {_INTO} printf('01990000%04x7%03x8%015x', i / 4096, i % 4096, i), '2026-01-01 00:00:00.000001',
        '2026-01-01 00:00:30', {_VALUES}, 7, 1, i / 8.0, 214, 0 FROM n
"""
_POSTGRESQL = f"""
    {_INTO} ('01990000' || lpad(to_hex(i / 4096), 4, '0') || '7' || lpad(to_hex(i %% 4096), 3, '0') || '8'
        || lpad(to_hex(i), 15, '0'))::uuid, '2026-01-01 00:00:00.000001Z', '2026-01-01 00:00:30Z', {_VALUES},
        7, 1, i / 8.0, 214, false FROM generate_series(0, %s - 1) AS i
"""


@pytest.mark.timeout(size(300, 3_600))
def test_a_backlog_is_sealed_in_bounded_memory(fresh_database: str) -> None:
    with connect(fresh_database) as database:
        database.execute(_SQLITE if fresh_database.startswith("sqlite") else _POSTGRESQL, [RECORDS])
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
