"""Run the tests: all of them on SQLite, then those that depend on the database on PostgreSQL.

    python -m tests.run [pytest's own arguments]

PostgreSQL is a cluster of the tests' own, started here. Without its programs the second run is left out and said so;
in CI that is a failure.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

from tests.postgresql import Cluster, binaries


def pytest(arguments: Sequence[str], **environment: str) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


def main(arguments: Sequence[str]) -> int:
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
    return on_sqlite or on_postgresql


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
