"""Runs plain code in a bounded number of threads: all of one call's in one thread."""

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from tools_app.errors import ToolBusy
from tools_app.invocation.thread_connections import close_connections, has_open_transaction, refresh_connections

T = TypeVar("T")


class ToolThreads:
    """Holds up to ``size`` threads for plain functions, and as many for the plain code of async functions.

    A plain function has a thread for itself, or is refused. The plain code of an async one (the ORM, ``sync_to_async``)
    waits for a thread, and shares it if need be. So neither kind holds up the other.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._plain = _Threads(size, "tool")
        self._of_async = _Threads(size, "tool-async")

    def submit(self, function: Callable[..., Any], arguments: dict[str, Any]) -> "Future[Any]":
        """Start a function now, with the caller's context variables. One that overruns is running until it returns.

        Raises:
            ToolBusy: every thread is taken.
        """
        call = CallThread(self._plain)
        piece = _Piece(call, partial(contextvars.copy_context().run, function, **arguments))
        if not self._plain.start_alone(call, piece):
            raise ToolBusy(f"All {self._size} threads for tools are busy. Try again in a moment.")
        return piece

    def for_async_call(self) -> "CallThread":
        """Where the plain code of one async call runs. It takes no thread before there is any."""
        return CallThread(self._of_async)

    def stop(self) -> None:
        """Start nothing more. Threads that still run are left to end by themselves."""
        self._plain.stop()
        self._of_async.stop()


class _Piece(Future[Any]):
    """The future of a piece of code of one call."""

    def __init__(self, call: "CallThread", code: Callable[[], Any]) -> None:
        super().__init__()
        self._call = call
        self._code = code

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if cancelled:
            self._call.withdraw(self)
        return cancelled

    def run(self) -> Callable[[], None]:
        """Run it, unless nobody waits for it any more. Returns what then tells those who wait."""
        if not self.set_running_or_notify_cancel():
            return lambda: None
        try:
            return partial(self.set_result, self._code())
        except StopIteration as error:
            # No future of asyncio holds one: whoever awaits it would wait for good. PEP 479 has the same remedy.
            wrapped = RuntimeError("The function raised StopIteration.")
            wrapped.__cause__ = error
            return partial(self.set_exception, wrapped)
        except BaseException as error:  # noqa: BLE001  (what it raises belongs to whoever waits for it)
            return partial(self.set_exception, error)


class CallThread(Executor):
    """The thread of one call, from its first piece of plain code until the call has ended.

    Pieces of one call run one after the other. While a transaction is open that one of them began, other calls that
    have the same thread wait.
    """

    def __init__(self, threads: "_Threads") -> None:
        self._threads = threads
        self.pieces: deque[_Piece] = deque()
        self.thread: _Thread | None = None
        self.has_begun = False
        self.ended = False

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        piece = _Piece(self, partial(function, *args, **kwargs))
        self._threads.put(self, piece)
        return piece

    def withdraw(self, piece: _Piece) -> None:
        """Forget a piece that was cancelled before it began."""
        self._threads.withdraw(self, piece)

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Run a function, with the caller's context variables, and wait for it on the event loop."""
        return await asyncio.wrap_future(self.submit(contextvars.copy_context().run, function, *args))

    def end(self) -> None:
        """Give the thread back when what was submitted has run. What is submitted later takes one for itself."""
        self._threads.end(self)


class _Thread:
    """One thread, the calls that have it, and the one of them that has a transaction open there."""

    def __init__(self) -> None:
        self._woken: SimpleQueue[None] = SimpleQueue()
        self.calls: deque[CallThread] = deque()
        self.is_running = False
        self.held_by: CallThread | None = None

    def wake(self) -> None:
        self._woken.put(None)

    def sleep(self) -> None:
        """Wait until something may be to do here. Not to be lost, it may have been told before."""
        self._woken.get()

    @property
    def is_free(self) -> bool:
        return not self.is_running and self.held_by is None and not any(call.pieces for call in self.calls)

    def take(self, call: CallThread) -> None:
        self.calls.append(call)
        call.thread, call.has_begun = self, False

    def lose(self, call: CallThread) -> None:
        self.calls.remove(call)
        call.thread = None
        if self.held_by is call:
            self.held_by = None

    def ready(self) -> CallThread | None:
        """A call with something to do here; the one that was not asked for longest."""
        for call in (self.held_by,) if self.held_by is not None else tuple(self.calls):
            if call.pieces or call.ended:
                self.calls.rotate(-1 - self.calls.index(call))
                return call
        return None


class _Threads:
    """Gives each call a thread that no other call has and, when there is none left, one that others have too."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._lock = threading.Lock()
        self._threads: list[_Thread] = []
        self._waiting: deque[CallThread] = deque()
        self._stopped = False

    def start_alone(self, call: CallThread, piece: _Piece) -> bool:
        """Run the only piece of a call in a thread of its own. Returns whether there is one left."""
        with self._lock:
            thread = self._unused()
            if thread is None:
                return False
            call.pieces.append(piece)
            call.ended = True
            thread.take(call)
        thread.wake()
        return True

    def put(self, call: CallThread, piece: _Piece) -> None:
        with self._lock:
            call.pieces.append(piece)
            thread = call.thread
            if thread is None and call not in self._waiting:
                thread = self._unused() or self._shared()
                if thread is None:
                    self._waiting.append(call)
                else:
                    thread.take(call)
        if thread is not None:
            thread.wake()

    def withdraw(self, call: CallThread, piece: _Piece) -> None:
        """Forget a piece that was cancelled before it began."""
        with self._lock:
            if piece in call.pieces:
                call.pieces.remove(piece)
            if call.pieces:
                return
            if call in self._waiting:
                self._waiting.remove(call)
            elif call.thread is not None and call.ended and not call.has_begun:
                call.thread.lose(call)

    def end(self, call: CallThread) -> None:
        with self._lock:
            call.ended = True
            thread = call.thread
        if thread is not None:
            thread.wake()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            calls = [*self._waiting, *(call for thread in self._threads for call in thread.calls)]
            pieces = [piece for call in calls for piece in call.pieces]
        for thread in self._threads:
            thread.wake()
        for piece in pieces:
            piece.cancel()

    def _unused(self) -> _Thread | None:
        """The first thread that no call has: so few are in use, and few connections open."""
        found = next((thread for thread in self._threads if not thread.calls), None)
        if found is None and len(self._threads) < self._size:
            found = _Thread()
            self._threads.append(found)
            name = f"{self._name}-{len(self._threads)}"
            threading.Thread(target=self._serve, args=[found], name=name, daemon=True).start()
        return found

    def _shared(self) -> _Thread | None:
        """Of the threads where nothing runs, the one that the fewest calls have."""
        return min((one for one in self._threads if one.is_free), key=lambda one: len(one.calls), default=None)

    def _serve(self, thread: _Thread) -> None:
        while self._served(thread):
            pass
        close_connections()

    def _served(self, thread: _Thread) -> bool:
        """Do what comes next here. Returns False where nothing will."""
        turn = self._next(thread)
        if turn is not None:
            self._run(thread, *turn)
        return turn is not None

    def _next(self, thread: _Thread) -> tuple[CallThread, _Piece | None, bool] | None:
        """Wait for a call with something to do here: its next piece, or None if it is over; and whether it is alone.

        Returns None when the thread is to end.
        """
        while True:
            with self._lock:
                thread.is_running = False
                if self._waiting and thread.is_free:
                    thread.take(self._waiting.popleft())
                call = thread.ready()
                if call is not None:
                    thread.is_running = True
                    alone = all(other is call or not other.has_begun for other in thread.calls)
                    return call, call.pieces.popleft() if call.pieces else None, alone
                if self._stopped:
                    return None
            thread.sleep()

    def _run(self, thread: _Thread, call: CallThread, piece: _Piece | None, alone: bool) -> None:
        if piece is None:
            self._leave(thread, call, alone)
            return
        if not call.has_begun:
            refresh_connections(alone=alone)
            call.has_begun = True
        tell = piece.run()
        if call.ended and not call.pieces:
            self._leave(thread, call, alone)
        else:
            thread.held_by = call if has_open_transaction() else None
        tell()

    def _leave(self, thread: _Thread, call: CallThread, alone: bool) -> None:
        refresh_connections(alone=alone or thread.held_by is call)
        with self._lock:
            if call.thread is thread and not call.pieces:
                thread.lose(call)
