"""A Redis server of the tests' own: it can be stopped, killed and made to hang, and leaves no trace."""

import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.eventually import wait_until
from tests.site import free_port

_START_SECONDS = 60.0


def program() -> str | None:
    """Where redis-server is, if it is installed."""
    return shutil.which("redis-server")


class RedisServer:
    """A server that keeps nothing on disk. ``start`` after ``stop`` or ``kill`` gives an empty one at the same URL."""

    def __init__(self) -> None:
        found = program()
        if found is None:
            raise FileNotFoundError("redis-server is not installed here.")
        self._program = found
        self._directory = Path(tempfile.mkdtemp(prefix="mcpsite-redis-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> "RedisServer":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.kill()
        shutil.rmtree(self._directory)

    def start(self) -> "RedisServer":
        options = {"--port": str(self.port), "--bind": "127.0.0.1", "--save": "", "--appendonly": "no"}
        self._process = subprocess.Popen(
            [self._program, *(word for option in options.items() for word in option)],
            cwd=self._directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_until_it_answers()
        return self

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        process = self._process
        wait_until(lambda: process.poll() is not None or self._answers(), within=_START_SECONDS, what="redis-server")
        if process.poll() is not None:
            raise RuntimeError("redis-server did not start.")

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
            probe.sendall(b"PING\r\n")
            return probe.recv(5) == b"+PONG"
        return False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End it in order: it says good-bye to its clients."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, even while it is paused."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(10)

    def pause(self) -> None:
        """Let it hang: connections stay open, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
