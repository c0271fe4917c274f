"""A way through to a TCP server that can swallow what it is given, as a broken network does, and never say so."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import closing, suppress
from types import TracebackType
from typing import Any


class Passage:
    """Passes on what arrives at ``port``, until it is blocked. What it holds back then, it passes on when it opens."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self._to_port = to_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open = asyncio.Event()
        self._passing: set[asyncio.Task[None]] = set()

    def __enter__(self) -> "Passage":
        self._thread.start()
        self._open.set()
        self._server = self._do(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def block(self) -> None:
        """Let nothing through from now on."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def open(self) -> None:
        self._loop.call_soon_threadsafe(self._open.set)

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _end(self) -> None:
        self._server.close()
        passing = list(self._passing)
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)
        # Closed transports say good-bye in the loop's next round.
        await asyncio.sleep(0.05)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        with suppress(OSError, asyncio.CancelledError), closing(writer):
            await self._open.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
            with closing(back):
                both = [
                    asyncio.ensure_future(self._pass(reader, back)),
                    asyncio.ensure_future(self._pass(there, writer)),
                ]
                try:
                    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in both:
                        one.cancel()
                    await asyncio.gather(*both, return_exceptions=True)
        self._passing.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        await self._open.wait()
