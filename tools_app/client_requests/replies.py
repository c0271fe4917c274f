"""Matches the replies of clients to the requests of this worker."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from mcp.shared.exceptions import MCPError

from tools_app.wire.jsonrpc import INTERNAL_ERROR, Response


class Replies:
    """Holds the open requests of this worker to clients.

    A request's id names the worker's address, so that whichever worker receives the reply knows where it belongs.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._waiting: dict[str, tuple[str, asyncio.Future[Mapping[str, Any]]]] = {}

    def expect(self, session_key: str) -> tuple[str, "asyncio.Future[Mapping[str, Any]]"]:
        """A new request id, and the future of the reply that only this session may give."""
        request_id = f"{self._address()}|{secrets.token_hex(8)}"
        future: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = (session_key, future)
        future.add_done_callback(lambda _: self._waiting.pop(request_id, None))
        return request_id, future

    def deliver(self, session_key: str, response: Response) -> bool:
        """Hand a reply to whoever waits for it. False: nobody does, or it comes from another session."""
        expected, future = self._waiting.get(str(response.id), ("", None))
        if future is None or expected != session_key or future.done():
            return False
        if response.error is None:
            future.set_result(response.result or {})
        else:
            message = response.error.get("message")
            future.set_exception(
                MCPError(INTERNAL_ERROR, message[:500] if isinstance(message, str) else "The client refused.")
            )
        return True

    @staticmethod
    def address_of(response: Response) -> str:
        """The address of the worker that waits for this reply, as the client repeats it."""
        return str(response.id).partition("|")[0]
