"""On PostgreSQL, a role that serves can do all that serving needs, and change no record."""

import os
import re
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.databases import execute, rows, rule_for_everybody
from tests.site import Site

REFUSED = [
    "UPDATE authz_app_callrecord SET tool = 'x'",
    "UPDATE authz_app_callrecord SET outcome = 'crashed'",
    "DELETE FROM authz_app_callrecord",
    "TRUNCATE authz_app_callrecord",
    "ALTER TABLE authz_app_callrecord DISABLE TRIGGER ALL",
    "DROP TRIGGER evidence_record_outcome_update ON authz_app_callrecord",
    "UPDATE authz_app_auditseal SET pruned = 'x'",
    "DELETE FROM authz_app_auditseal",
    "DELETE FROM authz_app_auditkey",
    "DELETE FROM authz_app_policyrevision",
]


@pytest.fixture
def serving_url(fresh_postgresql: str) -> Iterator[str]:
    """The database by a role that owns nothing in it."""
    role = f"serving_{os.getpid()}_{os.urandom(4).hex()}"
    execute(fresh_postgresql, f"CREATE ROLE {role} LOGIN")
    yield re.sub(r"//[^@/]*@", f"//{role}@", fresh_postgresql)
    execute(fresh_postgresql, f"DROP OWNED BY {role}")
    execute(fresh_postgresql, f"DROP ROLE {role}")


async def test_a_role_that_owns_nothing_serves_and_seals_and_changes_no_record(
    start_site: Callable[..., Site], fresh_postgresql: str, serving_url: str
) -> None:
    migrated = Site(serving_url, MIGRATE_DATABASE_URL=fresh_postgresql, LOCAL_ISSUER="true").manage("migrate")
    assert migrated.returncode == 0, migrated.stderr
    rule_for_everybody(serving_url, "*")
    site = start_site(serving_url, AUDIT_SEAL_SECONDS="0.5", MIGRATE_DATABASE_URL=fresh_postgresql)
    async with site.streamable_client() as client:
        assert not (await client.call_tool("TimeTool", {})).is_error
    site.wait_for_line(r"Seal \d+: .*\"count\":[1-9]", 30)
    assert "authz.W00" not in site.log
    for sql in REFUSED:
        with pytest.raises(psycopg.Error, match="permission denied|must be owner|are evidence"):
            execute(serving_url, sql)
    assert site.manage("audit", "verify").returncode == 0
    site.stop()
    site.assert_no_traceback()
    assert rows(serving_url, "SELECT DISTINCT outcome FROM authz_app_callrecord WHERE kind = 'tool'") == [("ok",)]

    pruned = site.manage("audit", "prune", "--older-than", "1h", "--yes")
    assert (pruned.returncode, pruned.stdout[:9]) == (0, "Removed: "), pruned.stderr


def test_one_role_for_both_is_warned_of(fresh_postgresql: str) -> None:
    checked = Site(fresh_postgresql, LOCAL_ISSUER="true").manage("check", "--database", "default")
    assert "authz.W004" in checked.stderr
    assert checked.returncode == 0
