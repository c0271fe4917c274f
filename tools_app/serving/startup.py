"""Refuses to start where that would be unsafe or useless, in sentences."""

import logging
import sys
from collections.abc import Iterator
from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage
from django.core.checks import ERROR, WARNING, CheckMessage, run_checks
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.migrations.executor import MigrationExecutor

from authz_app.conf import conf
from authz_app.core.database_errors import limit_wait
from authz_app.core.sqlite_file import refuse_other_file
from tools_app import catalogue
from tools_app.serving import guards

logger = logging.getLogger(__name__)
# A page may wait longer for the database than a record does.
_PAGE = 3


def reasons_not_to_start() -> Iterator[str]:
    """What is wrong, each with what to do about it. What is only doubtful goes to the log."""
    messages = run_checks()
    for doubt in (message for message in messages if message.level == WARNING and not message.is_silenced()):
        logger.warning("%s (%s) %s", doubt.msg, doubt.id, doubt.hint or "")
    yield from map(_sentence, _errors(messages))
    if isinstance(staticfiles_storage, ManifestStaticFilesStorage) and not staticfiles_storage.hashed_files:
        yield "The admin's static files are not collected. Run: manage.py collectstatic --no-input"
    try:
        if _unapplied_migrations():
            yield "The database is not migrated. Run: manage.py migrate"
            return
        yield from map(_sentence, _errors(run_checks(tags=["database"], databases=[DEFAULT_DB_ALIAS])))
        catalogue.sync()
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0]
        yield f"The database cannot be used: {reason}. Check DATABASE_URL, and that the database is running."
    finally:
        connections.close_all()


def _errors(messages: list[CheckMessage]) -> list[CheckMessage]:
    return [message for message in messages if message.level >= ERROR and not message.is_silenced()]


def _sentence(message: CheckMessage) -> str:
    return f"{message.msg} ({message.id})" + (f"\n  {message.hint}" if message.hint else "")


def _unapplied_migrations() -> bool:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def refuse_unsafe_start() -> None:
    """Put guards around Daphne, and limits to what waits for the database, and do nothing more where all is well.

    Raises:
        SystemExit: something is wrong; the sentences stand on stderr.
    """
    guards.apply()
    reasons = list(reasons_not_to_start())
    if reasons:
        print("This site does not start:", *(f"- {reason}" for reason in reasons), sep="\n", file=sys.stderr)
        raise SystemExit(1)
    connection_created.connect(limit_wait_when_created)


def limit_wait_when_created(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Receive ``connection_created``: refuse another SQLite file than the one at the start, and limit each wait."""
    if connection.vendor == "sqlite":
        refuse_other_file(connection)
    limit_wait(connection, conf().audit_timeout * _PAGE)
