"""Tell when the database is to blame for an error, and bound how long a connection waits for it.

PostgreSQL's own limits do not help where the server, or the network before it, has stopped: TCP would wait for minutes.
So the client's side of each connection has a limit too.
"""

from functools import partial
from typing import Any

import psycopg
from django.db import DatabaseError, Error, InterfaceError, InternalError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import _WaitTimeout

_NOT_PERMITTED = "42501"


def is_outage(error: BaseException) -> bool:
    """Whether an error means that the database cannot be used, and not that the query was wrong."""
    if isinstance(error, OperationalError | InterfaceError | InternalError):
        return True
    refused = getattr(error.__cause__, "sqlstate", None) == _NOT_PERMITTED
    # SQLite has no narrower class for a file that is damaged, or no database.
    return isinstance(error, Error) and (refused or type(error) is DatabaseError)


def in_short(error: BaseException) -> str:
    """The first line of the database's message."""
    return str(error).strip().partition("\n")[0]


def limit_wait(connection: BaseDatabaseWrapper, seconds: float) -> None:
    """Close this open connection when the database takes longer than ``seconds`` to answer.

    Only for PostgreSQL: SQLite waits for nothing but its lock, which has a limit in the settings.
    """
    raw = connection.connection
    if connection.vendor == "postgresql":
        raw.wait = partial(_wait, raw, seconds)


def _wait(raw: "psycopg.Connection[Any]", seconds: float, generator: Any, *arguments: Any, **options: Any) -> Any:
    try:
        return psycopg.Connection.wait(raw, generator, *arguments, **{"timeout": seconds, **options})
    except _WaitTimeout:
        raw.close()
        raise psycopg.OperationalError(f"the database did not answer within {seconds:g} seconds") from None
