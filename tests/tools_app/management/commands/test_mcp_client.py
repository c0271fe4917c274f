"""`manage.py mcp_client` against a real MCP server over both transports. No test here may touch a database.

Covers: tools_app.mcp_client.actions
"""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.tools_app.mcp_client.peer import REFUSAL
from tools_app.management.commands.mcp_client import Command

# The SDK's own way to log from a tool is deprecated in the newest revision; servers of today use it.
pytestmark = pytest.mark.filterwarnings("ignore:The logging capability is deprecated")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def mcp_client(*words: str) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("mcp_client", *words, stdout=out, stderr=err)
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert "Traceback" not in err.getvalue()
    return Ended(code, out.getvalue(), err.getvalue())


Run = Callable[..., Ended]


@pytest.fixture(params=["/sse", "/mcp"])
def run(peer_url: str, request: pytest.FixtureRequest) -> Run:
    return client_at(f"{peer_url}{request.param}")


@pytest.fixture
def run_sse(peer_url: str) -> Run:
    return client_at(f"{peer_url}/sse")


@pytest.fixture
def run_streamable(peer_url: str) -> Run:
    return client_at(f"{peer_url}/mcp")


def client_at(url: str) -> Run:
    def run(*words: str, token: str = "good") -> Ended:
        return mcp_client(url, "--token", token, *words)

    return run


def test_list_prints_each_tool_with_arguments_and_description(run):
    ended = run("list")
    assert ended.code == 0
    assert "add  first=integer  [second=integer]\n    Adds two numbers.\n    The second may be left out.\n" in ended.out
    assert "echo  [text=string]\n" in ended.out


def test_list_prints_json_on_demand(run):
    tools = json.loads(run("list", "--json").out)
    assert next(tool for tool in tools if tool["name"] == "add")["inputSchema"]["required"] == ["first"]


def test_call_prints_the_text_alone(run):
    assert run("call", "add", "first=2", "second=3") == Ended(0, "5\n", "")


def test_call_prints_json_on_demand(run):
    assert json.loads(run("call", "add", "first=2", "--json").out)["content"][0]["text"] == "3"


def test_text_stays_text(run):
    assert run("call", "echo", "text=5").out == "<'5'>\n"
    assert run("call", "echo", "text:=null").out == "<None>\n"


def test_a_wrong_argument_is_a_sentence_that_names_the_right_ones(run):
    ended = run("call", "add", "frist=2")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "add has no argument 'frist'. add takes first=integer [second=integer].\n"


def test_a_failed_tool_goes_to_stderr_and_fails(run):
    ended = run("call", "fails")
    assert (ended.code, ended.out) == (1, "")
    assert "There is no such city." in ended.err


def test_content_that_is_no_text_is_named_by_type_and_size_and_controls_are_shown(run):
    assert run("call", "pictures").out == (
        "Two:\\x1b[31m\n[image, image/png, 4 bytes]\n[resource file:///a.bin, application/zip, 3 bytes]\n"
    )


def test_a_refused_call_shows_the_servers_words(run):
    assert run("call", "weather_tool", "location=London") == Ended(1, "", f"{REFUSAL}\n")


def test_a_tool_that_is_not_listed_is_asked_of_the_server_all_the_same(run):
    ended = run("call", "hidden", "anything=1")
    assert ended.code == 1
    assert "hidden" in ended.err


def test_progress_and_logs_go_to_stderr(run):
    ended = run("call", "reports")
    assert ended.out == "done\n"
    assert "[progress] 1 of 2: half\\x1b way\n" in ended.err
    assert "[info] careful\n" in ended.err


def test_a_question_of_the_server_is_declined_without_a_terminal(run):
    ended = run("call", "confirms")
    assert ended.out == "decline None\n"
    assert "Delete everything?" in ended.err


@pytest.mark.parametrize(
    ("token", "code", "says"),
    [
        ("expired", 1, "does not accept the access token (HTTP 401, invalid_token): The token has expired."),
        ("blocked", 1, "refuses this caller (HTTP 403, client_blocked): Ask ops@example.com."),
        ("issuer-down", 2, "cannot decide right now (HTTP 503, unavailable): No keys. Try again in 7 seconds."),
        ("nowhere", 2, "There is no MCP server at http://127.0.0.1"),
        ("moved", 2, "has moved to https://elsewhere.example/sse"),
        ("page", 2, "not an event stream"),
        ("expired-later", 1, "(HTTP 401, invalid_token): The token has expired."),
        ("blocked-later", 1, "(HTTP 403, client_blocked): Ask ops@example.com."),
        ("gone-later", 2, "(HTTP 404, not_found): No such session."),
        ("down-later", 2, "(HTTP 503, unavailable): No keys."),
    ],
)
def test_a_refusal_over_http_ends_the_command_at_once_with_a_sentence(run_sse, token, code, says):
    ended = run_sse("call", "add", "first=1", token=token)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
    assert "session_id" not in ended.err


@pytest.mark.parametrize(
    ("token", "code", "says"),
    [
        ("expired-later", 1, "does not accept the access token (HTTP 401, invalid_token): The token has expired."),
        ("blocked-later", 1, "refuses this caller (HTTP 403, client_blocked): Ask ops@example.com."),
        ("gone-later", 2, "There is no MCP server at http://127.0.0.1"),
        ("down-later", 2, "cannot decide right now (HTTP 503, unavailable): No keys."),
        (
            "lacks-scope",
            1,
            "The access token lacks a scope that is needed (HTTP 403, insufficient_scope): The tool needs more."
            " With --login, over Streamable HTTP, this client asks for orders:read orders:write by itself.",
        ),
    ],
)
def test_a_refusal_over_streamable_http_is_the_same_sentence(run_streamable, token, code, says):
    ended = run_streamable("call", "add", "first=1", token=token)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err


def test_a_server_that_never_replies_is_given_up(run_sse):
    ended = run_sse("--timeout", "0.5", "list", token="silent")
    assert ended.code == 2
    assert "silent for 0.5 seconds" in ended.err


@pytest.mark.parametrize("words", [[], ["--transport", "sse"], ["--transport", "streamable"]])
@pytest.mark.parametrize("path", ["", "/"])
def test_the_address_may_leave_out_the_path(peer_url, path, words):
    assert mcp_client(peer_url + path, "--token", "good", *words, "call", "add", "first=1").out == "2\n"


@pytest.mark.parametrize(("path", "transport"), [("/mcp", "sse"), ("/sse", "streamable")])
def test_the_wrong_transport_is_a_sentence(peer_url, path, transport):
    ended = mcp_client(peer_url + path, "--token", "good", "--transport", transport, "--timeout", "5", "list")
    assert ended.code == 2
    assert ended.err


def test_resources_are_listed_with_templates_and_read(run):
    assert run("resources").out == ("memo://greeting  A greeting\n    What to say first.\n\norder://{number}  order\n")
    assert run("read", "memo://greeting") == Ended(0, "Good\\x1b day\n", "")
    assert run("read", "order://7").out == "[resource order://7, application/octet-stream, 1 bytes]\n"
    assert json.loads(run("read", "order://7", "--json").out)["contents"][0]["blob"] == "Nw=="


def test_prompts_are_listed_and_used(run):
    assert run("prompts").out == "review  code  [tone]\n    Reviews code.\n"
    assert run("prompt", "review", "code=x=1") == Ended(0, "[user] Review x=1, be kind.\n", "")
    assert json.loads(run("prompt", "review", "code=x", "--json").out)["messages"][0]["role"] == "user"
    assert run("prompt", "review", "code").err == "'code' is not key=value.\n"


def test_what_is_not_there_is_refused_in_the_servers_words(run):
    ended = run("read", "memo://nothing")
    assert ended.code == 1
    assert "Unknown resource: memo://nothing" in ended.err


def test_a_language_model_is_not_to_be_had_without_a_terminal(run):
    ended = run("call", "asks_model")
    assert ended.code == 1
    assert "The server asks for a language model: [system] Be brief. [user] Say hello.\\x1b[2J Declined" in ended.err


def test_options_may_stand_after_the_action(peer_url):
    assert mcp_client(peer_url, "call", "add", "first=1", "--token", "good").out == "2\n"


def test_where_nothing_listens_is_a_sentence():
    ended = mcp_client("http://127.0.0.1:1", "--token", "good", "list")
    assert ended.code == 2
    assert ended.err.startswith("Nothing answers at http://127.0.0.1:1 ")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "http://u:p@host", "http://x:99999"])
def test_what_is_no_address_is_a_sentence(url):
    ended = mcp_client(url, "--token", "good", "list")
    assert ended.code == 2
    assert "ddress" in ended.err


def test_without_any_token_the_ways_to_have_one_are_named(peer_url):
    ended = mcp_client(peer_url, "list")
    assert ended.code == 2
    for way in (
        "--login",
        "--token",
        "manage.py access_token",
        "AUTH0_DOMAIN, CLIENT_ID, CLIENT_SECRET and AUTH_AUDIENCE",
    ):
        assert way in ended.err


def test_the_token_may_come_from_the_environment(peer_url, monkeypatch):
    monkeypatch.setenv("MCP_TOKEN", "good")
    assert mcp_client(peer_url, "call", "add", "first=1").out == "2\n"


def test_the_token_may_come_from_standard_input(peer_url, monkeypatch):
    monkeypatch.setenv("MCP_TOKEN", "expired")
    monkeypatch.setattr(sys, "stdin", io.StringIO("Bearer good\n"))
    assert mcp_client(peer_url, "--token", "-", "call", "add", "first=1").out == "2\n"


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "ümlaut"])
def test_what_is_no_token_is_not_sent_and_not_repeated(peer_url, token):
    ended = mcp_client(peer_url, "--token", token, "list")
    assert ended.code == 2
    assert "token given is empty or has characters" in ended.err
    assert not token or token not in ended.err


def test_ask_without_a_model_says_what_is_missing(run):
    ended = run("ask", "What is the time in Bengaluru?")
    assert ended.code == 2
    assert "OPENAI_API_KEY and OPENAI_MODEL" in ended.err


def test_an_unknown_action_is_a_usage_error_with_exit_code_2(peer_url, capsys):
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "mcp_client", peer_url, "dance"])
    assert ended.value.code == 2
    assert "dance" in capsys.readouterr().err


def start(url: str, *words: str, token: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"MCP_TOKEN": token, "DATABASE_URL": "sqlite:////nonexistent/nowhere.sqlite3"}
    command = [sys.executable, "manage.py", "mcp_client", url, *words]
    return subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_the_command_runs_without_a_database(peer_url):
    with start(peer_url, "call", "add", "first=1", token="good") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "2\n", "")


@pytest.fixture
def keyboard() -> Iterator[None]:
    """Ctrl-C as at a terminal: a shell has what it runs in the background ignore it, and so would all that we start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_exits_quietly(peer_url, keyboard):
    with start(peer_url, "call", "waits", token="good") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "[info] waiting\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=100)
    assert (process.returncode, out, err) == (130, "", "")
