"""What the drills share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import POSTGRES_URL, migrate, need
from tests.databases import rule_for_everybody
from tests.drills.evidence import watch_fates
from tests.postgresql import Cluster, binaries


@pytest.fixture
def watched_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a PostgreSQL database in which everybody may call everything and every fate of a record is noted."""
    if POSTGRES_URL:
        url: str = request.getfixturevalue("fresh_postgresql")
        rule_for_everybody(url, "*")
        watch_fates(url)
        yield url
        return
    need("PostgreSQL's server programs", binaries() is not None)
    with Cluster() as cluster:
        migrate(cluster.url)
        rule_for_everybody(cluster.url, "*")
        watch_fates(cluster.url)
        yield cluster.url


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tools `mark` and `mark_and_nap` leave their marks."""
    path = tmp_path / "marks"
    path.touch()
    monkeypatch.setenv("MARKS", str(path))
    return path
