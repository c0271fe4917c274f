"""`manage.py mcp_client --login` with a real authorization server, and a browser that follows redirects.

Covers: tools_app.mcp_client.loopback, tools_app.mcp_client.token_storage
"""

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.shared.auth import OAuthToken

from tests import warm_python
from tests.site import free_port
from tests.tools_app.mcp_client.guard import Guard
from tests.tools_app.mcp_client.peer import running_peer
from tests.warm_python import ROOT
from tools_app.mcp_client.address import Endpoint
from tools_app.mcp_client.connection import connect
from tools_app.mcp_client.errors import Unusable
from tools_app.mcp_client.login import Application, Login
from tools_app.mcp_client.loopback import listening, redirect_uri
from tools_app.mcp_client.person import TerminalPerson
from tools_app.mcp_client.token_storage import FileTokenStorage

WAIT = 60
BROWSER = f"{sys.executable} -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1]).read()' %s"
NO_BROWSER = "false"
# Those of the tests would take out what the command is to be told by its environment.
SETTINGS = {"DJANGO_SETTINGS_MODULE": "mcpsite.settings", "ENV_FILE": os.devnull, "DEBUG": "true"}
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def guarded() -> Iterator[tuple[str, Guard]]:
    with running_peer(Guard) as (url, guard):
        yield url, guard


@pytest.fixture
def url(guarded: tuple[str, Guard]) -> str:
    return guarded[0]


@pytest.fixture
def guard(guarded: tuple[str, Guard]) -> Guard:
    return guarded[1]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, **SETTINGS, "XDG_CACHE_HOME": str(cache), "BROWSER": BROWSER}


@pytest.fixture
def run(url: str, port: int, environment: dict[str, str]) -> Run:
    """Run the command, as words what follows the URL, to its end. It never shows a token."""

    def run(*words: str, path: str = "/mcp", **further: str) -> "subprocess.CompletedProcess[str]":
        arguments = ["mcp_client", url + path, "--callback-port", str(port), *words]
        ended = warm_python.run(arguments, {**environment, **further}, WAIT)
        assert "secret-" not in ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        return ended

    return run


CALL = ("--login", "call", "add", "first=1")


@pytest.mark.parametrize("path", ["/mcp", "/sse"])
def test_a_person_logs_in_and_calls(url: str, guard: Guard, run: Run, cache: Path, port: int, path: str) -> None:
    ended = run(*CALL, path=path)
    assert (ended.returncode, ended.stdout) == (0, "2\n")
    assert f"Log in with the browser that opens, or at this address:\n  {url}/authorize?" in ended.stderr
    assert [asked for asked, _ in guard.asked] == ["register", "authorize", "authorization_code"]
    assert guard.of("authorize")[0]["resource"] == guard.of("authorization_code")[0]["resource"] == url + path
    assert guard.of("authorize")[0]["redirect_uri"] == redirect_uri(port)
    (kept,) = cache.rglob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_the_next_command_needs_no_login(guard: Guard, run: Run) -> None:
    run(*CALL)
    ended = run(*CALL)
    assert (ended.stdout, ended.stderr) == ("2\n", "")
    assert len(guard.of("authorize")) == 1


def test_an_expired_token_is_refreshed(guard: Guard, run: Run, cache: Path) -> None:
    run(*CALL)
    (kept,) = cache.rglob("*.json")
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "expires_at": 1}))
    ended = run(*CALL)
    assert (ended.stdout, ended.stderr) == ("2\n", "")
    assert [asked for asked, _ in guard.asked][-2:] == ["authorization_code", "refresh_token"]


def test_a_token_taken_back_means_another_login_by_the_same_application(guard: Guard, run: Run) -> None:
    run(*CALL)
    guard.scopes.clear()
    assert run(*CALL).stdout == "2\n"
    assert len(guard.of("register")) == 1
    assert len(guard.of("authorize")) == 2


def test_without_a_browser_the_person_opens_the_address(url: str, port: int, environment: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "mcp_client", f"{url}/mcp", "--callback-port", str(port), *CALL]
    environment = {**environment, "BROWSER": NO_BROWSER}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        address = process.stderr.readline().strip()
        assert b"You are logged in" in urllib.request.urlopen(address, timeout=WAIT).read()
        out, _ = process.communicate(timeout=WAIT)
    assert out == "2\n"


def test_an_application_that_is_registered_already_is_used(guard: Guard, run: Run, port: int) -> None:
    guard.registers = False
    guard.applications["mine"] = {"redirect_uris": [redirect_uri(port)]}
    assert run("--client-id", "mine", "call", "add", "first=1").stdout == "2\n"
    assert guard.of("authorize")[0]["client_id"] == "mine"


@pytest.mark.parametrize(("beside", "code"), [("mine", 0), ("another", 1)])
def test_a_client_secret_goes_with_its_own_id_only(guard: Guard, run: Run, port: int, beside: str, code: int) -> None:
    guard.applications["mine"] = {"redirect_uris": [redirect_uri(port)], "client_secret": "secret-of-mine"}
    ended = run("--client-id", "mine", "call", "add", "first=1", CLIENT_ID=beside, CLIENT_SECRET="secret-of-mine")
    assert ended.returncode == code
    assert ("client_secret" in guard.of("authorization_code")[0]) == (beside == "mine")


def test_where_nobody_can_register_the_way_out_is_named(guard: Guard, run: Run) -> None:
    guard.registers = False
    ended = run(*CALL)
    assert ended.returncode == 1
    assert "Register an application there and name it with --client-id." in ended.stderr


def test_a_refused_login_is_a_sentence_and_leaves_nothing(guard: Guard, run: Run, cache: Path) -> None:
    guard.refuses = True
    ended = run(*CALL)
    assert ended.returncode == 1
    assert ended.stderr.endswith("The authorization server logs nobody in (access_denied: Not today.).\n")
    assert not list(cache.rglob("*.json"))


def test_a_call_that_needs_more_scopes_asks_for_them(guard: Guard, run: Run) -> None:
    guard.needed_to_call = "orders:read"
    assert run(*CALL).stdout == "2\n"
    assert [asked.get("scope") for asked in guard.of("authorize")] == [None, "orders:read"]


def test_a_port_that_is_taken_is_a_sentence(run: Run, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        ended = run(*CALL)
    assert ended.returncode == 2
    assert f"needs the port {port} of this machine" in ended.stderr


def test_a_token_and_a_login_are_one_too_many(run: Run) -> None:
    ended = run(*CALL, "--token", "good")
    assert (ended.returncode, ended.stderr) == (2, "Give a token or log in, not both.\n")


# Parts


def login(url: str, tmp_path: Path, **options: Any) -> Login:
    return Login(url, tmp_path / "kept.json", lambda text: None, **options)


async def test_nobody_is_waited_for_without_end(
    url: str, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", NO_BROWSER)
    credentials = login(f"{url}/mcp", tmp_path, port=port, seconds=0.3)
    person = TerminalPerson(None, lambda text: None)
    with pytest.raises(Unusable, match="Nobody has logged in within 0.3 seconds"):
        async with connect(Endpoint(f"{url}/mcp", "streamable"), credentials, person, 20):
            pass


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"tokens": 1, "client": {"a": 1}, "expires_at": "x"}', "\0"])
async def test_a_file_that_cannot_be_read_is_as_good_as_none(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    file.write_text(damage)
    kept = FileTokenStorage(file, redirect_uri(1), None)
    assert await kept.get_tokens() is None
    assert await kept.get_client_info() is None
    await kept.set_tokens(OAuthToken(access_token="a"))
    assert await FileTokenStorage(file, redirect_uri(1), None).get_tokens() == OAuthToken(access_token="a")


async def test_a_registration_is_good_for_its_own_port_only(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    kept = FileTokenStorage(file, redirect_uri(1), None)
    await kept.set_client_info(Application("a").as_registered(redirect_uri(1)))
    await kept.set_tokens(OAuthToken(access_token="a"))
    assert await FileTokenStorage(file, redirect_uri(1), None).get_client_info() is not None
    assert await FileTokenStorage(file, redirect_uri(2), None).get_client_info() is None


async def test_where_nothing_can_be_kept_the_login_counts_all_the_same() -> None:
    await FileTokenStorage(Path("/dev/null/kept.json"), redirect_uri(1), None).set_tokens(OAuthToken(access_token="a"))


@pytest.mark.parametrize("url", ["http://mcp.example.com/mcp", "http://10.0.0.1/mcp", "http://127.0.0.1.example/mcp"])
def test_nobody_logs_in_where_others_can_read_the_tokens(url: str, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="without https others could read it"):
        login(url, tmp_path).auth(nullcontext)


@pytest.mark.parametrize(
    "path",
    [
        "/callback?code=c&state=forged",
        "/callback?code=c",
        "/callback?state=s",
        "/other?code=c&state=s",
        "/callback",
        "/",
    ]
    + ["/callback?code=c&state=" + "x" * 30_000],
)
async def test_what_is_not_the_awaited_answer_is_turned_away(path: str, port: int) -> None:
    async with asyncio.timeout(WAIT), listening(port, "s") as answered, httpx2.AsyncClient() as browser:
        try:
            refused = (await browser.get(f"http://127.0.0.1:{port}{path}")).status_code
        except httpx2.TransportError:
            refused = 400
        assert refused == 400
        assert not answered.done()
        accepted = await browser.get(f"http://127.0.0.1:{port}/callback?code=c&state=s&iss=i")
        assert accepted.status_code == 200
        assert ((await answered).code, (await answered).issuer) == ("c", "i")
