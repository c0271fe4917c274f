"""Frameworks for agents, and coding agents, with a bearer token: they list, call, and are told of a refusal."""

import json
from pathlib import Path

import pytest

from tests.clients import node as programs
from tests.clients.model import Model, model
from tests.clients.node import finish
from tests.clients.test_with_a_token import recorded
from tests.conftest import need
from tests.round_robin import BalancedSite
from tests.site import ROOT

REFUSAL = "but not with these arguments. Not allowed as it is: arguments.text. Record "
CALLED = {("echo", "allowed"), ("echo", "denied")}
PYTHON_CLIENT = str(ROOT / "tests" / "clients" / "python" / "client.py")
_ENVIRONMENTS = {"fastmcp": "python-clients", "pydantic-ai": "python-clients", "langchain": "sdk1-venv"}
each_path = pytest.mark.parametrize("path", ["/sse", "/mcp"])


def python_for(client: str) -> str:
    """The interpreter of the environment that has this client."""
    found = ROOT / "var" / _ENVIRONMENTS[client] / "bin" / "python"
    need(f"{client} (`make acceptance` installs it)", found.exists())
    return str(found)


def assert_listed_called_and_refused(printed: str) -> None:
    seen = json.loads(printed.splitlines()[-1])
    assert "echo" in seen["tools"]
    assert "weather_tool" not in seen["tools"]
    answer, refusal = seen["told"]
    assert "hello" in answer
    assert REFUSAL in refusal


@each_path
@pytest.mark.parametrize("client", _ENVIRONMENTS)
async def test_a_framework_for_python(site: BalancedSite, tmp_path: Path, client: str, path: str) -> None:
    subject = f"{client}{path}"
    command = (python_for(client), PYTHON_CLIENT, client, f"{site.url}{path}", "hello", "forbidden")
    ended = await finish(tmp_path, *command, TOKEN=site.token(subject))
    assert ended.code == 0, ended.all
    assert_listed_called_and_refused(ended.out)
    assert recorded(site, subject) == CALLED


@each_path
async def test_the_ai_sdk(site: BalancedSite, node: str, tmp_path: Path, path: str) -> None:
    subject = f"ai-sdk{path}"
    command = (node, str(programs.AI_SDK), f"{site.url}{path}", "hello", "forbidden")
    ended = await finish(tmp_path, *command, TOKEN=site.token(subject))
    assert ended.code == 0, ended.all
    assert_listed_called_and_refused(ended.out)
    assert recorded(site, subject) == CALLED


@pytest.mark.usefixtures("node")
class TestClaudeCode:
    """It knows no way to call a tool but by its model, which is one of the tests' own."""

    @staticmethod
    async def run(home: Path, url: str, token: str, text: str) -> Model:
        headers = {"Authorization": f"Bearer {token}"}
        server = {"type": "sse" if url.endswith("/sse") else "http", "url": url, "headers": headers}
        options = ["--mcp-config", json.dumps({"mcpServers": {"site": server}}), "--strict-mcp-config"]
        with model("echo", {"text": text}) as served:
            command = (programs.claude_code(), "-p", "Go.", *options, "--allowedTools", "mcp__site__*")
            ended = await finish(home, *command, **claude_environment(served))
        assert ended.code == 0, ended.all
        return served

    @each_path
    async def test_lists_calls_and_is_refused(self, site: BalancedSite, tmp_path: Path, path: str) -> None:
        subject = f"claude{path}"
        for text, told in (("hello", "hello"), ("forbidden", REFUSAL)):
            served = await self.run(tmp_path, f"{site.url}{path}", site.token(subject), text)
            assert "mcp__site__echo" in served.offered
            assert "mcp__site__weather_tool" not in served.offered
            assert told in served.told
        assert recorded(site, subject) == CALLED


def claude_environment(served: Model) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": served.url,
        "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "ENABLE_TOOL_SEARCH": "false",
        "MCP_CONNECTION_NONBLOCKING": "false",
    }


@pytest.mark.usefixtures("node")
class TestCodex:
    """It speaks Streamable HTTP alone, and calls tools by its model, which is one of the tests' own."""

    @staticmethod
    async def run(home: Path, url: str, token: str, text: str) -> Model:
        with model("echo", {"text": text}) as served:
            configure_codex(home, url, served)
            ended = await finish(home, *codex_runs(), TOKEN=token)
        assert ended.code == 0, ended.all
        return served

    async def test_lists_calls_and_is_refused(self, site: BalancedSite, tmp_path: Path) -> None:
        for text, told in (("hello", "hello"), ("forbidden", REFUSAL)):
            served = await self.run(tmp_path, f"{site.url}/mcp", site.token("codex"), text)
            assert "echo" in served.offered
            assert "weather_tool" not in served.offered
            assert told in served.told
        assert recorded(site, "codex") == CALLED


def codex_runs() -> tuple[str, ...]:
    """The command that has it do its one call, without a sandbox of its own: it has none to run in here."""
    return programs.codex(), "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "Go."


def configure_codex(home: Path, url: str, served: Model, *, logs_in: bool = False) -> None:
    settings = ['model = "none"', 'model_provider = "local"', 'mcp_oauth_credentials_store = "file"']
    settings += ["[model_providers.local]", 'name = "Local"', f'base_url = "{served.url}/v1"']
    settings += ['wire_api = "responses"', "[mcp_servers.site]", f'url = "{url}"']
    settings += [] if logs_in else ['bearer_token_env_var = "TOKEN"']
    (home / ".codex").mkdir(exist_ok=True)
    (home / ".codex" / "config.toml").write_text("\n".join([*settings, ""]))
