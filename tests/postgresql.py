"""A PostgreSQL cluster of the tests' own: it can be stopped and broken, and leaves no trace."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.site import free_port

# Enough for many sites at once, and what the judge of the race needs to know: the order of commits.
_OPTIONS = ("-c max_connections=300", "-c track_commit_timestamp=on", "-c listen_addresses=127.0.0.1", "-c fsync=off")


def binaries() -> Path | None:
    """Where initdb and pg_ctl are, if PostgreSQL is installed."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    found = shutil.which("initdb")
    candidates += [Path(found).parent] if found else []
    return next((path for path in candidates if (path / "initdb").exists()), None)


class Cluster:
    """A running cluster. ``url`` is that of its first database."""

    def __init__(self, place: Path | None = None) -> None:
        """``place`` is a directory in which it makes its own; without one, that of all temporary files."""
        found = binaries()
        if found is None:
            raise FileNotFoundError("PostgreSQL's server programs (initdb, pg_ctl) are not installed here.")
        self._binaries = found
        self._directory = Path(tempfile.mkdtemp(prefix="mcpsite-postgresql-", dir=place))
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        # initdb refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(self._directory, self._user)

    def __enter__(self) -> "Cluster":
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop("immediate")
        shutil.rmtree(self._directory)

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def start(self) -> None:
        options = " ".join((*_OPTIONS, f"-c port={self.port}", f"-c unix_socket_directories={self._directory}"))
        log = str(self._directory / "log")
        self._run("pg_ctl", "-D", str(self._data), "-l", log, "-w", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    def signal(self, number: int) -> None:
        """Send a signal to every process of the cluster."""
        postmaster = int((self._data / "postmaster.pid").read_text().split()[0])
        own = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for process in [postmaster, *map(int, own)]:
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = [str(self._binaries / program), *arguments]
        user = self._user if os.geteuid() == 0 else None
        done = subprocess.run(
            command, user=user, cwd=self._directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout.decode(errors='replace')}")
