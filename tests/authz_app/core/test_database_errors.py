"""Which errors are the database's fault, and how long it is waited for."""

import psycopg
import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)

from authz_app.core.database_errors import is_outage
from tests.conftest import POSTGRES_URL


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("fault", "is_one"),
    [
        (OperationalError("gone"), True),
        (InterfaceError("closed"), True),
        (DatabaseError("file is not a database"), True),
        (caused(ProgrammingError("permission denied"), psycopg.errors.InsufficientPrivilege()), True),
        (caused(ProgrammingError("no such table"), psycopg.errors.UndefinedTable()), False),
        (DataError("too long"), False),
        (IntegrityError("twice"), False),
        (ValueError("nonsense"), False),
    ],
)
def test_which_faults_are_the_databases(fault: Exception, is_one: bool) -> None:
    assert is_outage(fault) is is_one


@pytest.mark.database
@pytest.mark.skipif(not POSTGRES_URL, reason="needs PostgreSQL")
def test_postgresql_is_waited_for_only_so_long() -> None:
    from authz_app.core.database_errors import _wait  # noqa: PLC0415  (only where there is a PostgreSQL)

    with psycopg.connect(POSTGRES_URL) as raw:
        raw.wait = lambda *arguments, **options: _wait(raw, 0.2, *arguments, **options)  # type: ignore[method-assign]
        assert raw.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match=r"did not answer within 0\.2 seconds"):
            raw.execute("SELECT pg_sleep(60)")
        assert raw.closed
