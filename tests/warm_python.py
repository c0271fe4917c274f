"""Runs `manage.py` in processes that are forked from one that has imported the libraries, which is most of a start.

    process = start(["serve", "--port", "8000"], environment, output)    -> like a subprocess.Popen
    run(["migrate"], environment)                                       -> like subprocess.run, with what was printed

Such a process reads its settings, sets up Django and has its sockets and signals as any other. Where forking is not
known to be safe (anywhere but on Linux), and in tests of the start itself, each process has an interpreter of its own.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What a site imports of other people's. It reads no settings, makes no event loop and starts no thread.
_LIBRARIES = (
    "autobahn.websocket.protocol",
    "channels.layers",
    "channels.routing",
    "channels_redis.pubsub",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.x509",
    "django.contrib.admin",
    "django.contrib.postgres.fields",
    "django.core.asgi",
    "django.core.management",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.test",
    "environ",
    "httpx2",
    "jsonschema",
    "jwt",
    "mcp.client",
    "mcp.server.lowlevel.server",
    "mcp.server.mcpserver",
    "oauthlib.openid",
    "orjson",
    "psycopg",
    "redis.asyncio",
    "requests",
    "twisted.application.service",
    "twisted.internet.asyncioreactor",
    "twisted.internet.endpoints",
    "twisted.web.http",
    "uvloop",
    "whitenoise.middleware",
)
_MAX_MESSAGE = 200_000


class ForkedProcess:
    """A process that was forked for one command, with what the tests use of `subprocess.Popen`."""

    def __init__(self, reports: socket.socket) -> None:
        self._reports = reports
        self._lock = threading.Lock()
        self.pid = int(reports.recv(32))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or minus the signal that ended it.

        Raises:
            subprocess.TimeoutExpired: it still runs after so many seconds.
        """
        if (waiting := self._report_to_come()) is not None:
            # Without the lock: others may send it signals meanwhile.
            if not waiting.poll(None if timeout is None else 1_000 * timeout):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self._read_report()
        assert self.returncode is not None
        return self.returncode

    def _report_to_come(self) -> "select.poll | None":
        with self._lock:
            if self.returncode is not None:
                return None
            waiting = select.poll()
            waiting.register(self._reports, select.POLLIN)
            return waiting

    def _read_report(self) -> None:
        with self._lock:
            if self.returncode is None:
                self.returncode = int(self._reports.recv(32))
                self._reports.close()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Process = ForkedProcess | subprocess.Popen[bytes]


class WarmPython:
    """The process that others are forked from. It ends with the one that made it, or when it is closed."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm_python", str(theirs.fileno())],
                cwd=ROOT,
                # What it and its forks compile is compiled once.
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": ""},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], output: int, errors: int
    ) -> ForkedProcess:
        message = json.dumps([list(arguments), dict(environment)]).encode()
        ours, reports = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with reports, self._lock:
            socket.send_fds(self._control, [message], [output, errors, reports.fileno()])
        return ForkedProcess(ours)

    def close(self) -> None:
        self._control.close()
        # It waits for its forks. One that a failed test left behind is not worth more waiting.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)


_warm: list[WarmPython] = []
_starting = threading.Lock()


def start(arguments: Sequence[str], environment: Mapping[str, str], output: int, errors: int | None = None) -> Process:
    """Start a management command that writes into this file, or into these two. It leads a session of its own."""
    errors = output if errors is None else errors
    if sys.platform == "linux":
        with _starting:
            if not _warm:
                _warm.append(WarmPython())
        return _warm[0].start(arguments, environment, output, errors)
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=errors, start_new_session=True)


def run(
    arguments: Sequence[str], environment: Mapping[str, str], seconds: float = 280
) -> "subprocess.CompletedProcess[str]":
    """Run a management command to its end."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = start(arguments, environment, output.fileno(), errors.fileno())
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, output.read(), errors.read())


def close() -> None:
    """End the process that others were forked from, if there is one."""
    while _warm:
        _warm.pop().close()


def main(control: socket.socket) -> None:
    for name in _LIBRARIES:
        importlib.import_module(name)
    # They are the same in every fork, so let its collector leave their pages alone.
    gc.collect()
    gc.freeze()
    command = _fork_for_each(control)
    if command is not None:
        arguments, environment = command
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["manage.py", *arguments]
        runpy.run_path("manage.py", run_name="__main__")


def _fork_for_each(control: socket.socket) -> tuple[list[str], dict[str, str]] | None:
    """Returns a command in the process that was forked for it, and nothing where there are no more to come."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MAX_MESSAGE, 3)
        with suppress(ChildProcessError):
            while os.waitpid(-1, 0 if not message else os.WNOHANG)[0]:
                pass
        if not message:
            return None
        if os.fork() == 0:
            control.close()
            _attend(*descriptors)
            arguments, environment = json.loads(message)
            return arguments, environment
        for descriptor in descriptors:
            os.close(descriptor)


def _attend(output: int, errors: int, reports: int) -> None:
    """Fork once more, and return there. Here, report the process and how it ended."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        for descriptor in {output, errors, reports}:
            os.close(descriptor)
        return
    os.close(output)
    os.close(errors)
    os.write(reports, str(pid).encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(OSError):
        os.write(reports, str(code).encode())
    os._exit(0)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
