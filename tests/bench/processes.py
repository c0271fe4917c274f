"""A server process under measurement: started on one core, its CPU time and memory read from outside."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.bench.errors import BenchFailed
from tests.bench.wire import HOST
from tests.site import ROOT

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0


class ServerProcess:
    """A running server; ``name`` is what messages call it, ``log`` the file for what it prints."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], port: int, log: Path) -> None:
        self.name = name
        self.port = port
        self._command = list(command)
        self._environment = dict(environment)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, core: int | None) -> None:
        """Start it, and hold it to this core."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if core is not None:
            # Before it has started a thread: threads inherit it.
            os.sched_setaffinity(self._process.pid, {core})

    def wait_until_ready(self) -> None:
        """Wait for the port.

        Raises:
            BenchFailed: it ended, or did not listen in time.
        """
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
                return
            time.sleep(0.05)
        raise BenchFailed(f"{self.name} did not start.")

    @property
    def last_words(self) -> str:
        """The end of what it printed, without its ordinary lines."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join([line for line in lines if "INFO" not in line][-40:])

    def cpu_seconds(self) -> float:
        """CPU time so far, user and system, children included."""
        processes = self._processes()
        ended = processes[0].cpu_times()
        times = [process.cpu_times() for process in processes]
        return sum(one.user + one.system for one in times) + ended.children_user + ended.children_system

    def rss_bytes(self) -> int:
        """Resident memory, children included."""
        return sum(process.memory_info().rss for process in self._processes())

    def _processes(self) -> list[psutil.Process]:
        assert self._process is not None
        try:
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise BenchFailed(f"{self.name} ended while it was measured.") from None

    def stop(self) -> None:
        """Ask it to end, and see that it does."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


@contextmanager
def serving(servers: Sequence[ServerProcess], core: int | None) -> Iterator[None]:
    """All of them at once, started side by side and stopped in the end."""
    try:
        for server in servers:
            server.start(core)
        for server in servers:
            server.wait_until_ready()
        yield
    except BenchFailed as failure:
        for server in servers:
            failure.add_note(f"{server.name} printed last:\n{server.last_words}")
        raise
    finally:
        for server in servers:
            server.stop()


@contextmanager
def cores() -> Iterator[int | None]:
    """The core for servers, while this thread keeps to another; None where there is only one."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        yield None
        return
    os.sched_setaffinity(0, {available[0]})
    try:
        yield available[-1]
    finally:
        os.sched_setaffinity(0, available)
