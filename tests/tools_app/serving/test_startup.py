"""What is asked of each connection to the database that a process opens while it serves."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper

from authz_app.conf import conf
from tools_app.serving.startup import limit_wait_when_created


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[BaseDatabaseWrapper]:
    made = DatabaseWrapper({**connections.settings["default"], "NAME": str(tmp_path / "db.sqlite3")}, "other")
    (tmp_path / "db.sqlite3").touch()
    yield made
    made.close()


def test_a_connection_to_another_sqlite_file_than_before_is_refused(opened: BaseDatabaseWrapper) -> None:
    file = Path(opened.settings_dict["NAME"])
    limit_wait_when_created(opened, signal=None)
    limit_wait_when_created(opened, signal=None)
    copy = file.with_suffix(".copy")
    copy.touch()
    os.replace(copy, file)
    with pytest.raises(OperationalError, match="another file"):
        limit_wait_when_created(opened, signal=None)


@pytest.mark.database
@pytest.mark.django_db
def test_postgresql_is_waited_for_three_times_as_long_as_a_record_may_take() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite waits for its lock alone")
    connection.ensure_connection()
    limit_wait_when_created(connection)
    assert connection.connection.wait.args[1] == 3 * conf().audit_timeout
    del connection.connection.wait
