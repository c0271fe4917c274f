"""Words how to connect common MCP clients to this site, ready to paste. Pure: needs the site's address alone."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_TOKEN = "$MCP_TOKEN"
_BEARER = f"Authorization: Bearer {_TOKEN}"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and what to paste there, if anything."""

    text: str
    paste: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One client: signing in by the browser, or with an access token that one has already."""

    name: str
    by_browser: tuple[Step, ...]
    by_token: tuple[Step, ...]


def recipes(public_url: str) -> tuple[Recipe, ...]:
    """All clients, those that most people use first."""
    makers = (_claude_code, _claude_desktop, _cursor, _vs_code, _mcp_remote, _inspector, _python, _typescript)
    return tuple(maker(public_url, server_name(public_url)) for maker in makers)


def server_name(public_url: str) -> str:
    """What clients may call this server: its host and path, in characters that all of them take."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    is_local = not re.search("[a-z]", host) or host == "localhost"
    return "local-tools" if is_local else re.sub("[^a-z0-9]+", "-", f"{host}{parts.path.lower()}").strip("-")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)


def _claude_code(url: str, name: str) -> Recipe:
    add = "claude mcp add --transport"
    return Recipe(
        "Claude Code",
        (
            Step("Add the server in a terminal.", f"{add} http {name} {url}/mcp"),
            Step("Then type this in Claude Code, choose the server, and sign in.", "/mcp"),
            Step("Should /mcp not get through to this site, HTTP+SSE may.", f"{add} sse {name} {url}/sse"),
        ),
        (Step("Add the server in a terminal.", f'{add} http {name} {url}/mcp --header "{_BEARER}"'),),
    )


def _claude_desktop(url: str, name: str) -> Recipe:
    through = ["-y", "mcp-remote", f"{url}/mcp", *_plain_http(url)]
    with_token = {"command": "npx", "args": [*through, "--header", "Authorization:${AUTHORIZATION}"]}
    where = "Settings, Developer, Edit Config opens claude_desktop_config.json. Put this there, and restart Claude."
    return Recipe(
        "Claude Desktop",
        (
            Step("Settings, Connectors, Add custom connector. It must reach this address.", f"{url}/mcp"),
            Step(
                f"If it cannot, because the site is in a private network: {where[0].lower()}{where[1:]}",
                _json({"mcpServers": {name: {"command": "npx", "args": through}}}),
            ),
        ),
        (
            Step(
                where,
                _json({"mcpServers": {name: {**with_token, "env": {"AUTHORIZATION": f"Bearer {_TOKEN}"}}}}),
            ),
        ),
    )


def _cursor(url: str, name: str) -> Recipe:
    where = "Put this into ~/.cursor/mcp.json, or .cursor/mcp.json of a project."
    header = {"Authorization": "Bearer ${env:MCP_TOKEN}"}
    return Recipe(
        "Cursor",
        (
            Step(where, _json({"mcpServers": {name: {"url": f"{url}/mcp"}}})),
            Step("Under Settings, MCP, choose Connect beside the server, and sign in."),
        ),
        (Step(where, _json({"mcpServers": {name: {"url": f"{url}/mcp", "headers": header}}})),),
    )


def _vs_code(url: str, name: str) -> Recipe:
    where = "Put this into .vscode/mcp.json, and choose Start above the server."
    server = {"type": "http", "url": f"{url}/mcp"}
    question = {"type": "promptString", "id": "token", "description": f"Access token for {url}", "password": True}
    header = {"Authorization": "Bearer ${input:token}"}
    return Recipe(
        "VS Code",
        (Step(where, _json({"servers": {name: server}})),),
        (Step(where, _json({"inputs": [question], "servers": {name: {**server, "headers": header}}})),),
    )


def _mcp_remote(url: str, name: str) -> Recipe:
    command = f"npx -y mcp-remote {url}"
    options = "".join(f" {option}" for option in _plain_http(url))
    return Recipe(
        "mcp-remote (for clients that only start programs)",
        (
            Step("Streamable HTTP:", f"{command}/mcp{options}"),
            Step("HTTP+SSE:", f"{command}/sse{options} --transport sse-only"),
        ),
        (Step("With a token:", f'{command}/mcp{options} --header "{_BEARER}"'),),
    )


def _inspector(url: str, name: str) -> Recipe:
    command = "npx @modelcontextprotocol/inspector"
    return Recipe(
        "MCP Inspector",
        (
            Step("With Node 22.19 or newer: start it, choose Streamable HTTP, and connect to this address.", command),
            Step("The address:", f"{url}/mcp"),
        ),
        (
            Step(
                "In a terminal:",
                f'{command} --cli {url}/mcp --transport http --header "{_BEARER}" --method tools/list',
            ),
            Step("By HTTP+SSE:", f'{command} --cli {url}/sse --header "{_BEARER}" --method tools/list'),
        ),
    )


def _python(url: str, name: str) -> Recipe:
    return Recipe(
        "Python SDK",
        (
            Step(
                "From a copy of this site, the terminal client signs in by the browser.",
                f"manage.py mcp_client {url}/mcp --login list",
            ),
            Step("In your own program, give OAuthClientProvider of mcp.client.auth to the HTTP client as its auth."),
        ),
        (
            Step(
                "Version 2:",
                _lines(
                    "import asyncio, os",
                    "import httpx2",
                    "from mcp.client import Client",
                    "from mcp.client.streamable_http import streamable_http_client",
                    "",
                    "async def main():",
                    '    bearer = {"Authorization": f"Bearer {os.environ[\'MCP_TOKEN\']}"}',
                    "    async with httpx2.AsyncClient(headers=bearer, timeout=60) as http:",
                    f'        async with Client(streamable_http_client("{url}/mcp", http_client=http)) as client:',
                    "            print(await client.list_tools())",
                    "",
                    "asyncio.run(main())",
                ),
            ),
            Step(
                "Version 1:",
                _lines(
                    "import asyncio, os",
                    "from mcp import ClientSession",
                    "from mcp.client.streamable_http import streamablehttp_client",
                    "",
                    "async def main():",
                    '    bearer = {"Authorization": f"Bearer {os.environ[\'MCP_TOKEN\']}"}',
                    f'    async with streamablehttp_client("{url}/mcp", headers=bearer) as (read, write, _):',
                    "        async with ClientSession(read, write) as session:",
                    "            await session.initialize()",
                    "            print(await session.list_tools())",
                    "",
                    "asyncio.run(main())",
                ),
            ),
        ),
    )


def _typescript(url: str, name: str) -> Recipe:
    imports = (
        'import { Client } from "@modelcontextprotocol/sdk/client/index.js";',
        'import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";',
        "",
    )
    use = (
        f'const client = new Client({{ name: "{name}", version: "1.0.0" }});',
        "await client.connect(transport);",
        "console.log(await client.listTools());",
    )
    made = f'const transport = new StreamableHTTPClientTransport(new URL("{url}/mcp"), '
    return Recipe(
        "TypeScript SDK",
        (
            Step(
                "provider is your OAuthClientProvider: it opens the browser and keeps the tokens.",
                _lines(*imports, f"{made}{{ authProvider: provider }});", *use),
            ),
        ),
        (
            Step(
                "With a token:",
                _lines(
                    *imports,
                    f"{made}{{",
                    "  requestInit: { headers: { Authorization: `Bearer ${process.env.MCP_TOKEN}` } },",
                    "});",
                    *use,
                ),
            ),
        ),
    )


def _lines(*lines: str) -> str:
    return "\n".join(lines)


def _plain_http(url: str) -> Iterable[str]:
    """The option without which mcp-remote sends no token without TLS to another machine."""
    parts = urlsplit(url)
    return ["--allow-http"] if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1") else []
