"""A real site for tests: `manage.py serve` in processes of its own, on real sockets."""

import os
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests import warm_python
from tests.issuer import Issuer
from tests.warm_python import ROOT

START_SECONDS = 120
_PORTS = range(12_000, 32_000)
# A line of the access log, which has other numbers too.
_ANSWERED_500 = re.compile(r" access: .* 500 \d+ bytes ")


def free_port() -> int:
    """A port that was free a moment ago, and that nothing gets by chance: systems hand out higher ones."""
    while True:
        # Not one that `random` chooses: it is seeded alike in all processes of the tests.
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def audit_key_file(database_url: str) -> Path:
    """Where all workers on a database of the tests have their audit key."""
    if database_url.startswith("sqlite"):
        return Path(database_url.removeprefix("sqlite:///")).parent / "audit-key.pem"
    named = sha256(database_url.encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"mcp-tests-{os.getpid()}" / f"audit-{named}.pem"


class SiteAddress:
    """Where a site is reached, and what its clients present there.

    ``public_url`` is what the site calls itself; ``url`` is where requests go, of one worker or of what is in front.
    """

    def __init__(self, url: str, public_url: str, database_url: str, issuer: Issuer | None) -> None:
        self.url = url
        self.public_url = public_url
        self.database_url = database_url
        self.issuer = issuer

    @property
    def audience(self) -> str:
        return f"{self.public_url}/sse"

    def token(self, subject: str = "alice", **claims: Any) -> str:
        """A fresh access token of the test issuer for this site."""
        assert self.issuer is not None
        return self.issuer.token(sub=subject, **{"aud": self.audience, **claims})

    def headers(self, subject: str = "alice", **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(subject, **claims)}"}

    @asynccontextmanager
    async def streamable_client(self, subject: str = "alice", token: str = "", **options: Any) -> AsyncIterator[Client]:
        """The SDK's client over Streamable HTTP, with a token of this subject."""
        bearer = {"Authorization": f"Bearer {token or self.token(subject)}"}
        async with (
            httpx2.AsyncClient(headers=bearer, timeout=httpx2.Timeout(30, read=300)) as http,
            Client(streamable_http_client(f"{self.url}/mcp", http_client=http), **options) as client,
        ):
            yield client

    def client(self, subject: str = "alice", token: str = "", **options: Any) -> Client:
        """The SDK's client over HTTP+SSE, with a token of this subject."""
        bearer = {"Authorization": f"Bearer {token or self.token(subject)}"}
        return Client(sse_client(f"{self.url}/sse", headers=bearer), **options)


class Site(SiteAddress):
    """One serving process. Use as a context manager, or call ``start`` and ``stop``.

    ``database_url`` names a migrated database. Further keyword arguments are settings for its environment. Processes
    with the same PUBLIC_URL, database and REDIS_URL are workers of one site; without a PUBLIC_URL it is named for its
    own port.
    """

    def __init__(
        self, database_url: str, issuer: Issuer | None = None, *, PUBLIC_URL: str | None = None, **environment: str
    ) -> None:
        self.port = free_port()
        url = f"http://127.0.0.1:{self.port}"
        super().__init__(url, PUBLIC_URL or url, database_url, issuer)
        self.lines: list[str] = []
        self._process: warm_python.Process | None = None
        self._new_line = threading.Condition()
        trusted = [f'{{"issuer": "{issuer.url}", "audiences": ["{self.audience}"]}}'] if issuer else []
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.site_settings",
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "default",
            "SITE_SECRET_KEY": "a-secret-key-that-is-used-by-the-tests-and-nowhere-else",
            "SITE_PUBLIC_URL": url if PUBLIC_URL is None else PUBLIC_URL,
            "SITE_DATABASE_URL": database_url,
            "SITE_AUDIT_KEY_FILE": str(audit_key_file(database_url)),
            "SITE_TRUSTED_ISSUERS": f"[{', '.join(trusted)}]",
            **{f"SITE_{name}": value for name, value in environment.items()},
        }

    def start(self, *command: str) -> "Site":
        """Start serving, with an interpreter of its own if a command is given, and wait until the port answers."""
        reading, writing = os.pipe()
        try:
            self._process = self._started(command, writing)
        finally:
            os.close(writing)
        self._reader = threading.Thread(target=self._read, args=[reading], daemon=True)
        self._reader.start()
        self._wait_for_port()
        return self

    def _started(self, command: Sequence[str], output: int) -> warm_python.Process:
        if not command:
            return warm_python.start(["serve", "--port", str(self.port)], self.environment, output)
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=output, stderr=output, start_new_session=True
        )

    def _read(self, descriptor: int) -> None:
        with open(descriptor) as output:
            for line in output:
                with self._new_line:
                    self.lines.append(line.rstrip("\n"))
                    self._new_line.notify_all()

    def _wait_for_port(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            with self._new_line:
                self._new_line.wait(0.05)
        raise AssertionError(f"The site did not start:\n{self.log}")

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def wait_for_line(self, pattern: str, seconds: float = 60) -> str:
        """The first line, of those that were or will be printed, in which the pattern is found."""
        deadline = time.monotonic() + seconds
        with self._new_line:
            while True:
                for line in self.lines:
                    if re.search(pattern, line):
                        return line
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"No line matches {pattern!r}:\n{self.log}")
                self._new_line.wait(left)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self, how: int = signal.SIGTERM, seconds: float = 80) -> int:
        """Stop serving; returns the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
            raise AssertionError(f"The site did not stop:\n{self.log}") from None
        finally:
            self._reader.join(10)

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command with this site's settings."""
        return warm_python.run(arguments, self.environment)

    def __enter__(self) -> "Site":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def assert_no_traceback(self) -> None:
        """Nothing that was sent made the site stumble."""
        assert "Traceback" not in self.log, self.log
        assert not _ANSWERED_500.search(self.log), self.log

    def assert_no_traceback_but(self, *expected: str) -> None:
        """Nothing made the site stumble but what is named: the line before each traceback says so."""
        for before, line in zip(self.lines, self.lines[1:], strict=False):
            assert "Traceback" not in line or any(one in before for one in expected), self.log
        assert not _ANSWERED_500.search(self.log), self.log


@contextmanager
def several_workers(count: int, database_url: str, issuer: Issuer | None, **environment: str) -> Iterator[list[Site]]:
    """So many running workers of one site, started together. They need a REDIS_URL."""
    named = {"PUBLIC_URL": f"http://127.0.0.1:{free_port()}", **environment}
    workers = [Site(database_url, issuer, **named) for _ in range(count)]
    try:
        with ThreadPoolExecutor(count) as starting:
            list(starting.map(Site.start, workers))
        yield workers
    finally:
        with ThreadPoolExecutor(count) as stopping:
            list(stopping.map(Site.stop, workers))
