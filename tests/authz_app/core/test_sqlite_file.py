"""The file of a SQLite database, and what happens when it is not there any more."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper

from authz_app.core.sqlite_file import refuse_other_file, sqlite_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "db 1?.sqlite3"
    path.touch()
    return path


@pytest.fixture
def opened(file: Path) -> Iterator[BaseDatabaseWrapper]:
    made = DatabaseWrapper({**connections.settings["default"], "NAME": str(file)}, "other")
    refuse_other_file(made)
    yield made
    made.close()


def test_the_same_file_is_used(opened: BaseDatabaseWrapper) -> None:
    refuse_other_file(opened)


def test_a_file_that_was_moved_away_is_refused_until_it_is_back(opened: BaseDatabaseWrapper, file: Path) -> None:
    away = file.with_suffix(".away")
    file.rename(away)
    with pytest.raises(OperationalError, match="gone"):
        refuse_other_file(opened)
    away.rename(file)
    refuse_other_file(opened)


def test_another_file_in_its_place_is_refused(opened: BaseDatabaseWrapper, file: Path) -> None:
    copy = file.with_suffix(".copy")
    copy.touch()
    os.replace(copy, file)
    with pytest.raises(OperationalError, match="another file"):
        refuse_other_file(opened)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/var/db.sqlite3", "/var/db.sqlite3"),
        ("file:/var/db.sqlite3?mode=rw", "/var/db.sqlite3"),
        ("file:/var/a%20b%3F.sqlite3?mode=rwc", "/var/a b?.sqlite3"),
    ],
)
def test_the_path_in_a_name(name: str, path: str) -> None:
    assert sqlite_path(name) == path
