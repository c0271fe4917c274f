"""Cares for the database connections of the thread it runs in, as Django's request handlers do for theirs."""

import logging
import threading
from collections.abc import Iterable
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

logger = logging.getLogger(__name__)


class _Used(threading.local):
    """Whether this thread ever connected. Django takes longer to tell."""

    connected = False


_used = _Used()


def _note(**_: Any) -> None:
    _used.connected = True


connection_created.connect(_note, dispatch_uid="tools_app.invocation.thread_connections")


def refresh_connections(*, alone: bool = True) -> None:
    """Close what is unusable or older than CONN_MAX_AGE. At the start and the end of each call; never raises.

    Where another call is in the middle of something in this thread (not ``alone``), only what is unusable.
    """
    for connection in _connections():
        try:
            _refresh(connection, alone)
        except Exception as error:  # noqa: BLE001  (whatever a driver raises: the next call gets another connection)
            logger.warning("A database connection could not be closed: %s", type(error).__name__)
            del connections[connection.alias]


def _refresh(connection: BaseDatabaseWrapper, alone: bool) -> None:
    if connection.in_atomic_block and alone:
        # A call left its transaction open. Closed, it would still refuse whatever comes outside of that.
        connection.close()
        del connections[connection.alias]
    elif alone or (connection.errors_occurred and not connection.is_usable()):
        connection.close_if_unusable_or_obsolete()


def has_open_transaction() -> bool:
    """Whether code that comes later in this thread would be part of a transaction that has begun."""
    return any(
        connection.in_atomic_block or (connection.connection is not None and not connection.autocommit)
        for connection in _connections()
    )


def close_connections() -> None:
    """Close them all: the thread ends."""
    for connection in _connections():
        connection.close()


def _connections() -> Iterable[BaseDatabaseWrapper]:
    return connections.all(initialized_only=True) if _used.connected else ()
