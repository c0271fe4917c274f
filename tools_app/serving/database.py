"""Limits how long a process that serves waits for its database, on each connection that it opens."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.conf import conf
from authz_app.core.database_errors import limit_wait
from authz_app.core.sqlite_file import refuse_other_file

# A page may ask for more than a record does.
_PAGE = 3


def limit_wait_when_created(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Receive ``connection_created``: refuse another SQLite file than the one at the start, and limit each wait."""
    if connection.vendor == "sqlite":
        refuse_other_file(connection)
    limit_wait(connection, conf().audit_timeout * _PAGE)
