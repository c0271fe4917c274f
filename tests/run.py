"""Run the tests: on SQLite, then those that depend on the database on PostgreSQL.

    python -m tests.run [pytest's own arguments]                 all but the acceptance tests
    python -m tests.run --acceptance [pytest's own arguments]    the acceptance tests: of the whole, with other programs

Paths among the arguments are run instead, wherever they belong. PostgreSQL is a cluster of the tests' own, which is
started here. Without its programs the second run is left out and said so; in CI that is a failure.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.postgresql import Cluster, binaries

ACCEPTANCE = (
    "tests/bench",
    "tests/browser",
    "tests/clients",
    "tests/conformance",
    "tests/drills",
    "tests/prove",
    "tests/test_deploy.py",
    "tests/test_first_five_minutes.py",
    "tests/tools_app/transports/test_clients_sdk1.py",
)
_NO_TESTS = 5  # pytest's exit code, where none of what was asked for depends on the database
_NOT_RUN = """
Not run here: the acceptance tests, of browsers, other MCP clients, the conformance suite, the first five minutes,
deployments, drills, and what `make prove` and `make bench` do. `make acceptance` runs them."""


def pytest(arguments: Sequence[str], **environment: str) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    # What the processes of the tests compile is compiled once.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment}
    return subprocess.run(command, env=environment, check=False).returncode


def on_each_database(arguments: Sequence[str]) -> int:
    """Run pytest twice; returns the exit code of the first run that failed."""
    if binaries() is None:
        code = pytest(arguments)
        print("PostgreSQL is not installed here: what depends on the database ran on SQLite alone.")
        return code or (1 if os.environ.get("CI") else 0)
    with Cluster() as cluster:
        on_sqlite = pytest(arguments, TEST_POSTGRES_URL=cluster.url)
        print("\nAgain on PostgreSQL: what depends on the database.", flush=True)
        on_postgresql = pytest(
            ["-m", "database", *arguments], TEST_POSTGRES_URL=cluster.url, TEST_DATABASE_URL=cluster.url
        )
    return on_sqlite or (0 if on_postgresql == _NO_TESTS else on_postgresql)


def main(arguments: Sequence[str]) -> int:
    if any(Path(argument.partition("::")[0]).exists() for argument in arguments):
        return on_each_database(arguments)
    if "--acceptance" in arguments:
        return on_each_database([*(argument for argument in arguments if argument != "--acceptance"), *ACCEPTANCE])
    code = on_each_database([*arguments, *(f"--ignore={path}" for path in ACCEPTANCE)])
    print(_NOT_RUN)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
