"""Clients of Python frameworks, run in an environment that has the framework.

    python client.py NAME URL TEXT ...

NAME is fastmcp, langchain or pydantic-ai. Calls the tool `echo` with each TEXT, and prints as one JSON object the
tools that were listed and what each call gave. The token is in the environment (TOKEN); without it FastMCP logs a
person in by the browser. With PAUSE it waits so many seconds before each call but the first.
"""

# ruff: noqa: PLC0415  (each environment has its own framework alone)

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Sequence

Texts = list[str]


async def fastmcp(url: str, texts: Sequence[str]) -> tuple[Texts, Texts]:
    from fastmcp import Client

    async with Client(url, auth=os.environ.get("TOKEN", "oauth")) as client:
        names = [tool.name for tool in await client.list_tools()]
        answers = []
        for text in texts:
            await asyncio.sleep(float(os.environ.get("PAUSE", "0")) if answers else 0)
            answers.append(await told(client.call_tool("echo", {"text": text})))
        return names, answers


async def langchain(url: str, texts: Sequence[str]) -> tuple[Texts, Texts]:
    from langchain_mcp_adapters.client import MultiServerMCPClient

    transport = "sse" if url.endswith("/sse") else "streamable_http"
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    client = MultiServerMCPClient({"site": {"transport": transport, "url": url, "headers": headers}})
    tools = {tool.name: tool for tool in await client.get_tools()}
    return list(tools), [await told(tools["echo"].ainvoke({"text": text})) for text in texts]


async def pydantic_ai(url: str, texts: Sequence[str]) -> tuple[Texts, Texts]:
    from pydantic_ai.mcp import MCPToolset

    async with MCPToolset(url, headers={"Authorization": f"Bearer {os.environ['TOKEN']}"}) as toolset:
        names = [tool.name for tool in await toolset.list_tools()]
        return names, [await told(toolset.direct_call_tool("echo", {"text": text})) for text in texts]


async def told(call: Awaitable[object]) -> str:
    """What a call gave, or why it failed."""
    try:
        return str(await call)
    except Exception as error:  # noqa: BLE001  (each framework has its own)
        return f"{type(error).__name__}: {error}"


CLIENTS = {"fastmcp": fastmcp, "langchain": langchain, "pydantic-ai": pydantic_ai}

if __name__ == "__main__":
    name, url, *texts = sys.argv[1:]
    tools, answers = asyncio.run(CLIENTS[name](url, texts))
    print(json.dumps({"tools": tools, "told": answers}))
