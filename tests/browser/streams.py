"""MCP sessions that are open while pictures are taken, one for each token, of clients that call themselves this."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle

import httpx2

_SOFTWARE = [
    {"name": "claude-desktop", "version": "1.4.2"},
    {"name": "<script>alert(1)</script>\u202e" + "long" * 40, "version": "9" * 200},
    {"name": "report-agent", "version": "2026.11"},
]


@contextmanager
def open_streams(url: str, tokens: Sequence[str]) -> Iterator[None]:
    """Open a session with each token on the site at this URL."""
    # A response ends when what reads it is let go.
    read: list[Iterator[str]] = []
    with ExitStack() as stack:
        browser = stack.enter_context(httpx2.Client(base_url=url, timeout=20))
        for token, software in zip(tokens, cycle(_SOFTWARE), strict=False):
            browser.headers["Authorization"] = f"Bearer {token}"
            lines = stack.enter_context(browser.stream("GET", "/sse")).raise_for_status().iter_lines()
            read.append(lines)
            endpoint = next(line.removeprefix("data: ") for line in lines if line.startswith("data: "))
            parameters = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": software}
            message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": parameters}
            browser.post(endpoint, json=message).raise_for_status()
        yield
