"""Runs Daphne, with a drain when it is told to stop and a brake for readers that do not read."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from daphne.server import Server
from twisted.internet import defer, reactor
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from tools_app.serving import access_log

logger = logging.getLogger(__name__)
Drain = Callable[[float], Awaitable[None]]
_LAST_ARRIVALS = 0.5


@implementer(IPushProducer)
class Pacer:
    """Holds a response's next chunk back while the connection has more to send than it can take."""

    def __init__(self) -> None:
        self._ready = asyncio.Event()
        self._ready.set()

    async def wait(self) -> None:
        await self._ready.wait()

    def pauseProducing(self) -> None:
        self._ready.clear()

    def resumeProducing(self) -> None:
        self._ready.set()

    def stopProducing(self) -> None:
        self._ready.set()


class DrainingServer(Server):
    """Serves until a SIGTERM or SIGINT; then stops listening, drains and leaves. A second signal leaves at once.

    ``start`` is called first, on the event loop.
    """

    def __init__(
        self, *args: Any, start: Callable[[], object], drain: Drain, drain_seconds: float, **options: Any
    ) -> None:
        super().__init__(*args, signal_handlers=False, **options)
        self._start = start
        self._drain = drain
        self._drain_seconds = drain_seconds
        self._ports: list[Any] = []
        self._pacers: dict[Any, Pacer] = {}
        self._stopping = False

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        try:
            super().run()
        except (SystemExit, KeyboardInterrupt) as error:
            _go_on_after(error)

    def listen_success(self, port: Any) -> None:
        self._ports.append(port)
        reactor.callFromThread(self._start)
        super().listen_success(port)

    def _signalled(self, number: int, frame: Any) -> None:
        if self._stopping:
            os._exit(1)
        self._stopping = True
        reactor.callFromThread(self.stop)

    def kill_all_applications(self) -> Any:
        """Called by Daphne before the reactor stops; the reactor runs on until the result is there."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._leave()))

    async def _leave(self) -> None:
        await asyncio.gather(*(_stopped(port) for port in self._ports), return_exceptions=True)
        # A connection that was accepted a moment ago has its request on the way.
        await asyncio.sleep(_LAST_ARRIVALS)
        await self._drain(self._drain_seconds)
        applications = [details.get("application_instance") for details in self.connections.values()]
        running = [application for application in applications if application and not application.done()]
        if running:
            # Streams that were just ended get a moment to say so.
            _, late = await asyncio.wait(running, timeout=1.0)
            for application in late:
                application.cancel()
        access_log.flush()

    def create_application(self, protocol: Any, scope: Any) -> Any:
        """As Daphne does it; and notices when the application is done."""
        details = self.connections.get(protocol)
        if details is None:
            return None
        queue: asyncio.Queue[Any] = asyncio.Queue()
        scope.setdefault("asgi", {"version": "3.0"})
        running = self.application(scope=scope, receive=queue.get, send=partial(self.handle_reply, protocol))
        application = details["application_instance"] = asyncio.get_event_loop().create_task(running)
        application.add_done_callback(lambda _: self._ended(protocol))
        return queue

    def _ended(self, protocol: Any) -> None:
        """The application is done. Where it left its response unfinished, it meant to cut the connection."""
        self._pacers.pop(protocol, None)
        self._reap(protocol)
        transport = getattr(protocol, "transport", None)
        unfinished = getattr(protocol, "_response_started", False) and not getattr(protocol, "finished", True)
        if unfinished and transport is not None and hasattr(transport, "abortConnection"):
            transport.abortConnection()

    def _reap(self, protocol: Any) -> None:
        """Forget a request as soon as it is over: Daphne's own sweep, once a second, makes all others wait for it.

        What failed is left to that sweep, which logs it.
        """
        details = self.connections.get(protocol, {})
        application = details.get("application_instance")
        if details.get("disconnected") and application and not application.cancelled() and not application.exception():
            del self.connections[protocol]

    async def handle_reply(self, protocol: Any, message: Mapping[str, Any]) -> None:
        pacer = self._pacers.get(protocol)
        if pacer is not None and not message.get("more_body", False):
            del self._pacers[protocol]
            if protocol.channel is not None:
                protocol.unregisterProducer()
        details = self.connections.get(protocol)
        if details is None or details.get("disconnected"):
            return
        protocol.handle_reply(message)
        if message["type"] == "http.response.body" and message.get("more_body", False):
            await self._paced(protocol)

    async def _paced(self, protocol: Any) -> None:
        """Wait until the connection can take more (ASGI lets ``send`` do that)."""
        pacer = self._pacers.get(protocol)
        if pacer is None and hasattr(protocol, "registerProducer") and getattr(protocol, "channel", None) is not None:
            pacer = self._pacers[protocol] = Pacer()
            protocol.registerProducer(pacer, True)
            # Twisted tells only those who were there when it took no more.
            if getattr(protocol.channel, "_waitingForTransport", False):
                pacer.pauseProducing()
        if pacer is not None:
            await pacer.wait()


def _go_on_after(error: BaseException) -> None:
    """Run the event loop again: a tool's task or callback raised what ends a loop, and only its own call may suffer.

    Signals raise nothing here, and whoever waits for the task is told.
    """
    while reactor.running:
        logger.error(
            "Something that a tool began on the event loop raised %s. The worker goes on.", type(error).__name__
        )
        try:
            reactor._asyncioEventloop.run_forever()
        except (SystemExit, KeyboardInterrupt) as another:
            error = another
        else:
            return
    raise error


async def _stopped(port: Any) -> None:
    result = port.stopListening()
    if isinstance(result, defer.Deferred):
        await result.asFuture(asyncio.get_running_loop())
