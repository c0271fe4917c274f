"""Take out one check after the other, and see that the test which is named for it fails.

    python -m tests.mutations [WORD ...]      # those alone whose words, path or test have one of these in them

Works on a copy of the source. Ends with 1 where a check was taken out and its test passed all the same.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from tests.mutations.mutation import Mutation
from tests.mutations.table import MUTATIONS
from tests.postgresql import Cluster, binaries
from tests.site import ROOT

_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis")
_PASSED, _FAILED = 0, 1


def main(words: Sequence[str]) -> int:
    chosen = [one for one in MUTATIONS if not words or any(word in f"{one.row}" for word in words)]
    with Cluster() if binaries() else nullcontext() as cluster, tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "site"
        shutil.copytree(ROOT, copy, ignore=_LEFT_OUT)
        url = cluster.url if cluster else ""
        survivors = [one for one in chosen if not _is_noticed(one, copy, url)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} checks are missed by their tests when they are taken out.")
    return 1 if survivors else 0


def _is_noticed(mutation: Mutation, copy: Path, postgresql: str) -> bool:
    """Whether the test passes with the check, and fails without it."""
    before = _pytest(mutation, copy, postgresql)
    text = mutation.apply(copy)
    try:
        after = _pytest(mutation, copy, postgresql)
    finally:
        (copy / mutation.path).write_text(text, encoding="utf-8")
    noticed = (before.returncode, after.returncode) == (_PASSED, _FAILED)
    print("✓" if noticed else "✗", f"{mutation.promise} {mutation.taken_out}: {mutation.test}", flush=True)
    if not noticed:
        print(before.stdout if before.returncode != _PASSED else after.stdout)
    return noticed


def _pytest(mutation: Mutation, copy: Path, postgresql: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "TEST_POSTGRES_URL": postgresql, "PYTHONDONTWRITEBYTECODE": "1"}
    if mutation.database == "postgresql":
        environment["TEST_DATABASE_URL"] = postgresql
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutation.test]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=300)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
