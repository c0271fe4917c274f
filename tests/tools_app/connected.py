"""Workers of one site inside a test's own process, over a real Redis: each with its own connections and address."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import time

from tools_app.sessions import McpSession

WAIT = 20.0
OWNER = ("https://issuer.example/", "alice", "app")
# Connect(prefix, url): what is made inside connects to the site of this prefix, through the Redis at this URL.
Connect = Callable[..., AbstractContextManager[None]]


def a_session(key: str = "k", channel: str = "", owner: tuple[str, str, str] = OWNER) -> McpSession:
    return McpSession(key, owner, "worker", round(time()) + 60.0, channel=channel)


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until this holds."""
    async with asyncio.timeout(WAIT):
        while not holds():
            await asyncio.sleep(0.005)
