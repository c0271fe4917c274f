"""The 2026-07-28 era of Streamable HTTP: each POST stands for itself, and is served by the SDK's own app."""

import asyncio
from weakref import WeakKeyDictionary

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from authz_app.responses import Message, Receive, Scope, Send
from tools_app.caller import STREAMABLE
from tools_app.conf import conf
from tools_app.envelope import client_software_in, protocol_version_in
from tools_app.mcp_server import Exchange, current_exchange, server
from tools_app.transports.admission import SHUTTING_DOWN, caller_of, refuse_blocked
from tools_app.transports.messages import Posted
from tools_app.worker import Worker, worker


async def serve(scope: Scope, receive: Receive, send: Send, posted: Posted) -> None:
    """Serve a request of this era, whose message is ``posted``."""
    here = worker()
    if here.draining:
        raise SHUTTING_DOWN
    caller = caller_of(
        scope,
        STREAMABLE,
        client_software=client_software_in(posted.message),
        protocol_version=protocol_version_in(posted.message),
    )
    await refuse_blocked(caller, posted.message, here)
    exchange = Exchange(caller, None, here.rooms)
    await here.spawn(_served(scope, _replayed(posted.body, receive), send, here, exchange))


async def _served(scope: Scope, receive: Receive, send: Send, here: Worker, exchange: Exchange) -> None:
    current_exchange.set(exchange)
    await _app_of(here).serve(scope, receive, send)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """``receive`` as it was before the body was read from it."""
    unread = [body]

    async def receive_again() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return receive_again


class _SdkApp:
    """The SDK's app, held open by a task of the worker: Daphne does not speak the ASGI lifespan protocol."""

    def __init__(self, here: Worker) -> None:
        # An answer that is a stream from its start would be 200 whatever it says; what is one JSON text cannot be
        # cancelled. The SDK decides between them by what comes first.
        self._manager = StreamableHTTPSessionManager(
            server, json_response=False, max_request_body_size=conf().max_body_bytes
        )
        self._open = asyncio.Event()
        here.keep(self._hold())

    async def _hold(self) -> None:
        async with self._manager.run():
            self._open.set()
            await asyncio.get_running_loop().create_future()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._open.wait()
        await self._manager.handle_request(scope, receive, send)


def _app_of(here: Worker) -> _SdkApp:
    app = _apps.get(here)
    if app is None:
        app = _apps[here] = _SdkApp(here)
    return app


_apps: WeakKeyDictionary[Worker, _SdkApp] = WeakKeyDictionary()
