"""Runs plain functions in threads: a bounded number of them, and no queue in front."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import connections

from tools_app.errors import ToolBusy


class ToolThreads:
    """Runs up to ``size`` functions at a time. One that overruns its time limit counts as running until it returns."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._running = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=size, thread_name_prefix="tool")

    def submit(self, function: Callable[..., Any], arguments: dict[str, Any]) -> "Future[Any]":
        """Start a function now, with the caller's context variables.

        Raises:
            ToolBusy: every thread is taken.
        """
        with self._lock:
            if self._running >= self._size:
                raise ToolBusy(f"All {self._size} threads for tools are busy. Try again in a moment.")
            self._running += 1
        context = contextvars.copy_context()
        future = self._pool.submit(self._run, partial(context.run, function, **arguments))
        # Cancelled before its thread took it up, it never reaches the end of `_run`.
        future.add_done_callback(lambda ended: self._release() if ended.cancelled() else None)
        return future

    def _run(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connections.close_all()
            self._release()

    def _release(self) -> None:
        with self._lock:
            self._running -= 1

    def stop(self) -> None:
        """Start nothing more. Threads that still run are left to end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
