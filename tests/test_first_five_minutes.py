"""The README's five-minute start: what `make run` serves and prints, and the commands that it tells to paste."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import execute, rows
from tests.site import ROOT, Site

WAIT = 60.0


@pytest.fixture
def demo(tmp_path: Path) -> Site:
    site = Site(f"sqlite:///{tmp_path / 'db.sqlite3'}", DEBUG="true", LOCAL_ISSUER="true", PUBLIC_URL="")
    site.environment |= {"SITE_PORT": str(site.port)}
    return site


def serve(site: Site) -> None:
    site.start(sys.executable, "manage.py", "serve", "--demo", "--port", str(site.port))
    site.wait_for_line("^Serving ", WAIT)


def paste(site: Site, command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, shell=True, cwd=ROOT, env=site.environment, capture_output=True, text=True, timeout=WAIT, check=False
    )


def printed(site: Site, tool: str) -> str:
    return site.wait_for_line(rf"manage\.py mcp_client .*call {tool}").strip()


def test_the_printed_commands_show_an_allowed_a_refused_and_a_blocked_call(demo: Site) -> None:
    serve(demo)
    try:
        assert re.search(r"Sign in +admin, password \S+", demo.log)
        allowed = paste(demo, printed(demo, "TimeTool"))
        assert allowed.stdout.startswith("The current time is "), allowed.stderr
        refused = paste(demo, printed(demo, "weather_tool"))
        assert refused.returncode == 1
        found = re.search(r"No tool 'weather_tool' is available to you\. Record (\S+);", refused.stderr)
        assert found is not None, refused.stderr
        execute(demo.database_url, "UPDATE authz_app_client SET status = 'blocked'")
        blocked = paste(demo, printed(demo, "TimeTool"))
        assert "Your client is blocked here. Record " in blocked.stderr
        records = rows(demo.database_url, "SELECT tool, reason, client_name FROM authz_app_callrecord ORDER BY at")
    finally:
        demo.stop()
    assert records[:2] == [("TimeTool", "allowed", "demo"), ("weather_tool", "no_rule", "demo")]
    # A client that finds out which revision is spoken asks more than once.
    assert set(records[2:]) == {("", "client_blocked", "demo")}
    demo.assert_no_traceback()


def test_a_second_start_keeps_everything_and_prints_no_password(demo: Site) -> None:
    serve(demo)
    demo.stop()
    execute(demo.database_url, "DELETE FROM authz_app_ruleclient")
    demo.lines.clear()
    serve(demo)
    demo.stop()
    assert "password was printed on the first run" in demo.log
    assert rows(demo.database_url, "SELECT COUNT(*) FROM authz_app_ruleclient") == [(0,)]
