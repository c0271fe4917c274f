"""A database of an earlier release is migrated, its records verify, and its rules decide as they did.

Each folder is named for a release. It holds dumps of a site that was served by that release: calls over both
transports, allowed, denied and refused by a limit, three rules, seals, and a change of the key that signs them. Beside
each dump lies the public key that an auditor of that site would have kept.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import copy_postgresql
from tests.databases import rows
from tests.site import Site

RELEASES = sorted(path.name for path in Path(__file__).parent.iterdir() if path.name[0].isdigit())
DEMO = ["--client", "demo", "--scope", "tools:read"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=RELEASES)
def old_site(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[tuple[Site, Path]]:
    """A site on the database of an earlier release, and the public key that its auditor has."""
    folder = Path(__file__).parent / request.param
    dump = (folder / f"{database}.sql").read_text(encoding="utf-8")
    key = folder / f"{database}.pem"
    # The embedded issuer of that site is part of whom its rules are for.
    settings = {"DEBUG": "true", "LOCAL_ISSUER": "true", "PUBLIC_URL": "http://127.0.0.1:8765"}
    if database == "sqlite":
        with sqlite3.connect(tmp_path / "db.sqlite3") as connection:
            connection.executescript(dump)
        connection.close()
        yield Site(f"sqlite:///{tmp_path / 'db.sqlite3'}", **settings), key
        return
    with copy_postgresql("template0") as url:
        with psycopg.connect(url, autocommit=True) as restored:
            restored.execute(dump)  # type: ignore[arg-type]  # a file of this repository
        yield Site(url, **settings), key


def test_records_of_an_earlier_release_verify_and_its_rules_decide_as_they_did(old_site: tuple[Site, Path]) -> None:
    site, key = old_site
    before = rows(site.database_url, "SELECT id, tool, reason, seal FROM authz_app_callrecord ORDER BY id")
    assert {reason for _, _, reason, _ in before} == {
        "allowed",
        "no_rule",
        "unknown_tool",
        "limit_reached",
        "condition_unmet",
    }

    migrated = site.manage("migrate", "-v0")
    assert migrated.returncode == 0, migrated.stderr
    assert rows(site.database_url, "SELECT id, tool, reason, seal FROM authz_app_callrecord ORDER BY id") == before

    verified = site.manage("audit", "verify", "--public-key", str(key))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "All that was checked is as it was written." in verified.stdout

    assert site.manage("can_i", *DEMO, "weather_tool", "location=Paris").returncode == 0
    assert site.manage("can_i", *DEMO, "weather_tool", "location=Lima").returncode == 1
