"""nginx in front of several workers: each request goes to the next of them, so nothing sticks to any."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from tests.eventually import wait_until
from tests.issuer import Issuer
from tests.site import Site, SiteAddress, free_port, several_workers

_START_SECONDS = 60.0
# One process, so that the turn is kept exactly. A worker that fails is asked again at its next turn.
_CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream workers {{ {servers} }}
    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Connection "";
        {headers}
        proxy_buffering off;
        proxy_read_timeout 300s;
        {locations}
    }}
}}
"""


def program() -> str | None:
    """Where nginx is, if it is installed: Debian puts it where only root reveals."""
    return shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


class RoundRobin:
    """A running nginx in front of the workers on these ports of this machine, none of which need run yet.

    ``headers`` are added to every request, for callers that cannot send them. ``locations`` are what it passes on, each
    with the path that takes its place.
    """

    def __init__(
        self,
        port: int,
        ports: Sequence[int],
        headers: Mapping[str, str] | None = None,
        locations: Mapping[str, str] | None = None,
    ) -> None:
        found = program()
        if found is None:
            raise FileNotFoundError("nginx is not installed here.")
        self._program = found
        self._ports = ports
        self._headers = headers or {}
        self._locations = locations or {"/": ""}
        self._directory = Path(tempfile.mkdtemp(prefix="mcpsite-nginx-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port

    def __enter__(self) -> "RoundRobin":
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in self._ports)
        headers = " ".join(f'proxy_set_header {name} "{value}";' for name, value in self._headers.items())
        locations = " ".join(
            f"location {place} {{ proxy_pass http://workers{path}; }}" for place, path in self._locations.items()
        )
        configuration = self._directory / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                directory=self._directory, port=self.port, servers=servers, headers=headers, locations=locations
            ),
            encoding="ascii",
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, "-p", str(self._directory), "-e", "stderr", "-c", str(configuration)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_for_port()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
        shutil.rmtree(self._directory)

    @property
    def _log(self) -> Path:
        return self._directory / "log"

    def _wait_for_port(self) -> None:
        assert self._process is not None
        process = self._process
        wait_until(lambda: process.poll() is not None or self._listens(), within=_START_SECONDS, what="nginx")
        if process.poll() is not None:
            raise RuntimeError(f"nginx did not start:\n{self._log.read_text(errors='replace')}")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class BalancedSite(SiteAddress):
    """Several workers as their callers see them: one address, and no telling which of them answers."""

    def __init__(self, url: str, workers: Sequence[Site]) -> None:
        super().__init__(url, url, workers[0].database_url, workers[0].issuer)
        self.workers = workers
        self.environment = workers[0].environment

    @property
    def log(self) -> str:
        return "\n".join(worker.log for worker in self.workers)

    def wait_for_line(self, pattern: str, seconds: float = 60) -> str:
        """The first line of any worker, of those that were or will be printed, in which the pattern is found."""

        def matching() -> str:
            lines = [line for worker in self.workers for line in list(worker.lines)]
            return next((line for line in lines if re.search(pattern, line)), "")

        return wait_until(matching, within=seconds, what=lambda: f"{pattern!r} in:\n{self.log}\n")

    def assert_all_worked(self) -> None:
        """Every worker took messages, so what a client saw did not depend on which it reached."""
        for worker in self.workers:
            worker.wait_for_line("POST /(messages/|mcp) 20[02] ")

    def assert_no_traceback_but(self, *expected: str) -> None:
        for worker in self.workers:
            worker.assert_no_traceback_but(*expected)

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command with this site's settings."""
        return self.workers[0].manage(*arguments)


AnySite = Site | BalancedSite


@contextmanager
def balanced_site(count: int, database_url: str, issuer: Issuer | None, **environment: str) -> Iterator[BalancedSite]:
    """So many running workers behind one address. They need a REDIS_URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        several_workers(count, database_url, issuer, PUBLIC_URL=url, **environment) as workers,
        RoundRobin(port, [worker.port for worker in workers]),
    ):
        yield BalancedSite(url, workers)
