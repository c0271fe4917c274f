"""The databases of the measured sites, and what the calls must have left in them."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.errors import BenchFailed
from tests.databases import execute, rows
from tests.postgresql import Cluster
from tests.site import ROOT


@contextmanager
def databases(names: Sequence[str], directory: Path, on_postgresql: bool) -> Iterator[dict[str, str]]:
    """Empty databases, as URLs by name: SQLite files in the directory, or in a PostgreSQL cluster of their own."""
    if not on_postgresql:
        yield {name: f"sqlite:///{directory / name}.sqlite3" for name in names}
        return
    try:
        cluster = Cluster()
    except FileNotFoundError as error:
        raise BenchFailed(str(error)) from None
    with cluster:
        for name in names:
            execute(cluster.url, f"CREATE DATABASE {name}")
        yield {name: cluster.url.rpartition("/")[0] + f"/{name}" for name in names}


def fill(environment: Mapping[str, str], issuer: str, rules: int, clients: int) -> None:
    """Migrate the database that the environment names, and write its policy."""
    command = [sys.executable, "manage.py", "bench_database", issuer, str(rules), str(clients)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise BenchFailed(f"A database could not be filled:\n{done.stdout[-3000:]}")


def check_records(database_url: str, calls: int, name: str, patience: float = 20.0) -> None:
    """Every call has a record whose outcome is ok, and there are no other records.

    Raises:
        BenchFailed: it is not so within ``patience`` seconds; outcomes are written after the answers.
    """
    deadline = time.monotonic() + patience
    while (found := _outcomes(database_url)) != {"ok": calls} and time.monotonic() < deadline:
        time.sleep(0.2)
    if found != {"ok": calls}:
        raise BenchFailed(f"{name} answered {calls} calls, and its records say {found}.")


def _outcomes(database_url: str) -> dict[str, int]:
    return dict(rows(database_url, "SELECT outcome, COUNT(*) FROM authz_app_callrecord GROUP BY outcome"))
