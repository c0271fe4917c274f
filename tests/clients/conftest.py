"""A site for real clients: two workers behind a round robin, where everybody may use everything but `weather_tool`.

Nobody may have `echo` say "forbidden".
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.node import need_clients
from tests.conftest import copy_sqlite
from tests.databases import rule_for_everybody
from tests.issuer import Issuer
from tests.redis import RedisServer
from tests.round_robin import BalancedSite, balanced_site
from tests.site import ROOT

# Of a site with its own issuer, where many register and sign in.
ISSUER_SETTINGS = {
    "LOCAL_ISSUER": "true",
    "REGISTRATIONS_PER_MINUTE": "1000",
    "SIGN_INS_PER_MINUTE": "1000",
    # Claude Code and Codex prefer documents, which a machine without a way out cannot fetch.
    "CLIENT_ID_METADATA_DOCUMENTS": "false",
}


@pytest.fixture(scope="module")
def site(
    node: str,
    nginx: None,
    issuer: Issuer,
    redis: RedisServer,
    migrated_sqlite: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BalancedSite]:
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with balanced_site(2, database_url, issuer, REDIS_URL=redis.url, CONTACT="ops@example.com") as running:
        for kind in ("tool", "resource", "prompt"):
            rule_for_everybody(database_url, "*", kind=kind)
        rule_for_everybody(database_url, "weather_tool", effect="deny")
        rule = (
            "--effect",
            "deny",
            "--every-client",
            "--tool",
            "echo",
            "--condition",
            "arguments.text equals forbidden",
        )
        added = running.manage("add_rule", *rule)
        assert added.returncode == 0, added.stderr
        yield running
        for worker in running.workers:
            worker.assert_no_traceback()


@pytest.fixture(scope="session")
def node() -> str:
    """The Node that the clients run on."""
    return need_clients()


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a client runs: its home directory, and the browser that it finds there."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        # xdg-open, which clients start, asks the desktop first, where there is one.
        no_desktop = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP", "DESKTOP_SESSION")
        return {"BROWSER": str(self.home / "browser"), **dict.fromkeys(no_desktop, "")}

    @property
    def browsed(self) -> str:
        """What the browser said, if it was opened at all."""
        log = self.home / "browser.log"
        return log.read_text(encoding="utf-8") if log.exists() else "No browser was opened."


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    browser, log = tmp_path / "browser", tmp_path / "browser.log"
    open_page = f'PERSON=dana exec "{sys.executable}" -m tests.person "$1"'
    script = ["#!/bin/sh", f'exec > "{log}" 2>&1', f'cd "{ROOT}" || exit 1', open_page, ""]
    browser.write_text("\n".join(script), encoding="utf-8")
    browser.chmod(0o755)
    return Desk(tmp_path)
