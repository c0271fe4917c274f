"""Files that only their owner may read, and the directories that they are in."""

import stat
import tempfile
from pathlib import Path

import pytest
from pytest_django import Settings

from authz_app.core.private_files import create_private, others_can_reach


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


def test_a_file_is_reached_by_others_where_every_directory_lets_them_through() -> None:
    with tempfile.TemporaryDirectory() as top:
        Path(top).chmod(0o755)
        file = Path(top) / "directory" / "file"
        file.parent.mkdir()
        file.touch()
        for directory, mode, expected in ((0o755, 0o644, True), (0o700, 0o644, False), (0o755, 0o600, False)):
            file.parent.chmod(directory)
            file.chmod(mode)
            assert others_can_reach(file) is expected
        assert not others_can_reach(Path(top) / "none")
