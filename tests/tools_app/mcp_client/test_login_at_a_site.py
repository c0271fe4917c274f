"""`manage.py mcp_client --login` at a site of this project: a person signs in there and consents, by the browser."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import warm_python
from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.person import add_person
from tests.site import Site, free_port

WAIT = 90
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with Site(url, LOCAL_ISSUER="true", REGISTRATIONS_PER_MINUTE="1000", SIGN_INS_PER_MINUTE="1000") as running:
        rule_for_everybody(running.database_url, "echo")
        add_person(running, "dana", first_name="Dana", last_name="Whitfield")
        yield running
        running.assert_no_traceback()


@pytest.fixture
def run(site: Site, tmp_path: Path) -> Run:
    """Run the command; dana is in front of the browser."""
    port = free_port()

    def run(path: str, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(tmp_path),
            "PERSON": "dana",
            "BROWSER": f"{sys.executable} -m tests.person %s",
        }
        arguments = ["mcp_client", site.url + path, "--callback-port", str(port), *words]
        ended = warm_python.run(arguments, environment, WAIT)
        assert "eyJ" not in ended.stdout + ended.stderr
        return ended

    return run


@pytest.mark.parametrize(("path", "transport"), [("/mcp", "streamable"), ("/sse", "sse")])
def test_a_person_logs_in_and_the_call_is_recorded_under_their_name(
    site: Site, run: Run, path: str, transport: str
) -> None:
    ended = run(path, "--login", "call", "echo", f"text={path}")
    assert (ended.returncode, ended.stdout) == (0, f"{path}\n"), ended.stderr
    again = run(path, "--login", "call", "echo", f"text={path}")
    assert (again.stdout, again.stderr) == (f"{path}\n", "")
    found = rows(
        site.database_url,
        "SELECT client_name, transport, decision FROM authz_app_callrecord WHERE arguments LIKE ?",
        [f'%"{path}"%'],
    )
    assert found == [("Dana Whitfield", transport, "allowed")] * 2


def test_a_tool_that_needs_a_token_scope_is_called_after_another_consent(site: Site, run: Run) -> None:
    """An administrator has foreseen it for this person, so the person may grant it."""
    run("/mcp", "--login", "call", "echo", "text=first")
    ((subject,),) = rows(site.database_url, "SELECT subject FROM authz_app_client")
    rule = ["--effect", "allow", "--issuer", site.public_url, "--subject", subject, "--tool", "whoami"]
    assert site.manage("add_rule", *rule, "--scope", "who:read").returncode == 0
    ended = run("/mcp", "--login", "call", "whoami")
    assert ended.returncode == 0, ended.stderr
    assert "scope=who%3Aread" in ended.stderr
    reasons = rows(site.database_url, "SELECT reason FROM authz_app_callrecord WHERE tool = 'whoami' ORDER BY id")
    assert reasons == [("scope_missing",), ("allowed",)]


def test_a_tool_without_a_rule_is_refused_in_the_site_s_words(run: Run) -> None:
    ended = run("/mcp", "--login", "call", "mark", "text=x")
    assert ended.returncode == 1
    assert "No tool 'mark' is available to you. Record " in ended.stderr
