"""Files that only their owner may read, and the directories that they are in."""

import stat
from pathlib import Path

import pytest
from pytest_django import Settings

from authz_app.core.private_files import create_private


@pytest.fixture
def place(tmp_path: Path, settings: Settings) -> Path:
    """A directory that is open to others, and is none of this site's own."""
    settings.DATA_DIR = tmp_path / "var"
    there = tmp_path / "open"
    there.mkdir()
    there.chmod(0o1777)
    return there


def test_a_directory_of_somebody_else_stays_as_it_is(place: Path) -> None:
    create_private(place / "key.pem", b"secret")
    assert stat.S_IMODE(place.stat().st_mode) == 0o1777
    assert stat.S_IMODE((place / "key.pem").stat().st_mode) == 0o600


def test_a_directory_that_is_made_for_it_is_closed(place: Path) -> None:
    create_private(place / "mine" / "key.pem", b"secret")
    assert stat.S_IMODE((place / "mine").stat().st_mode) == 0o700
