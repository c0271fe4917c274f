"""Runs several workers on one listening socket: starts them together, and replaces them when they die or on request."""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

_POLL = 0.1
_START_SECONDS = 60.0
_RESPAWN_AFTER = 1.0
_NOTICE = "readiness.sock"


class StartFailed(Exception):
    """A worker ended before it served, and has said why."""


class Supervisor:
    """Keeps ``count`` workers serving on a listening socket that they inherit.

    SIGTERM and SIGINT stop them all, each with its drain. SIGHUP replaces them one by one, each by one that serves
    already: a restart that no caller notices, but for the streams that close.
    """

    def __init__(self, listening: socket.socket, count: int) -> None:
        self._listening = listening
        self._count = count
        self._workers: list[subprocess.Popen[bytes]] = []
        self._leaving: list[subprocess.Popen[bytes]] = []
        self._asked: list[int] = []

    def run(self) -> None:
        """Serve until told to stop.

        Raises:
            StartFailed: the first workers did not come up.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, frame: self._asked.append(number))
        try:
            while len(self._workers) < self._count and not self._is_stopping():
                self._workers.append(self._started())
            self._watch()
        finally:
            self._stop()

    def _is_stopping(self) -> bool:
        return signal.SIGTERM in self._asked or signal.SIGINT in self._asked

    def _watch(self) -> None:
        while not self._is_stopping():
            time.sleep(_POLL)
            self._leaving = [worker for worker in self._leaving if worker.poll() is None]
            if signal.SIGHUP in self._asked:
                self._asked.remove(signal.SIGHUP)
                self._replace(lambda worker: True)
            elif any(worker.poll() is not None for worker in self._workers):
                self._replace(lambda worker: worker.poll() is not None)

    def _replace(self, is_due: Callable[["subprocess.Popen[bytes]"], bool]) -> None:
        for place, worker in enumerate(self._workers):
            if self._is_stopping() or not is_due(worker):
                continue
            if worker.poll() is not None:
                logger.error("Worker %d ended with %d; starting another.", worker.pid, worker.returncode)
            try:
                self._workers[place] = self._started()
            except StartFailed as error:
                logger.error("%s Trying again.", error)
                time.sleep(_RESPAWN_AFTER)
                continue
            _terminate(worker)
            self._leaving.append(worker)

    def _started(self) -> "subprocess.Popen[bytes]":
        """A new worker, once it serves."""
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notice:
            notice.bind(str(Path(folder) / _NOTICE))
            notice.settimeout(_POLL)
            descriptor = self._listening.fileno()
            worker = subprocess.Popen(
                [sys.executable, settings.BASE_DIR / "manage.py", "serve", "--fd", str(descriptor)],
                pass_fds=[descriptor],
                env={**os.environ, "NOTIFY_SOCKET": str(Path(folder) / _NOTICE)},
                process_group=0,  # A Ctrl-C is for this process, which passes it on once.
            )
            deadline = time.monotonic() + _START_SECONDS
            while time.monotonic() < deadline and worker.poll() is None and not self._is_stopping():
                with suppress(TimeoutError):
                    if notice.recv(64).startswith(b"READY=1"):
                        return worker
        if self._is_stopping():
            return worker
        _terminate(worker)
        raise StartFailed("A worker did not start.")

    def _stop(self) -> None:
        # Or the kernel would let callers in whom nobody serves any more.
        self._listening.close()
        for worker in self._workers:
            _terminate(worker)
        for worker in [*self._workers, *self._leaving]:
            try:
                worker.wait(settings.DRAIN_SECONDS + 15)
            except subprocess.TimeoutExpired:
                worker.kill()


def _terminate(worker: "subprocess.Popen[bytes]") -> None:
    if worker.poll() is None:
        worker.terminate()


def tell_ready() -> None:
    """Tell NOTIFY_SOCKET, if there is one, that this process serves now, as service managers expect (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1\n", f"\0{address[1:]}" if address.startswith("@") else address)
