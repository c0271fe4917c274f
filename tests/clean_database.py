"""Puts the test database back to what `migrate` left there, after each test that commits.

Django empties the tables instead, and then does all that follows a migration: most of the time that such tests took.
"""

import sqlite3
from typing import Any

from django.db import connection
from django.test import TransactionTestCase

_KEPT = "as_migrated"  # a schema of PostgreSQL

_put_back_by_django = TransactionTestCase._fixture_teardown
_triggers: list[tuple[Any, ...]] = []
_statements: list[str] = []
_sqlite = sqlite3.connect(":memory:", check_same_thread=False)


def remember() -> None:
    """Keep what is in the database now, and put it back after each test from here on."""
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.backup(_sqlite)
        TransactionTestCase._fixture_teardown = _put_back_sqlite
    elif _may_pass_triggers():
        _remember_postgresql()
        TransactionTestCase._fixture_teardown = _put_back_postgresql


def _put_back_sqlite(_: TransactionTestCase) -> None:
    connection.ensure_connection()
    _sqlite.backup(connection.connection)


def _may_pass_triggers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        return bool(cursor.fetchone()[0] == "on")


def _remember_postgresql() -> None:
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {_KEPT} CASCADE; CREATE SCHEMA {_KEPT}")
        for table in tables:
            cursor.execute(f'CREATE TABLE {_KEPT}."{table}" AS TABLE "{table}"')
    _triggers[:] = _triggers_now()
    _statements[:] = [f'DELETE FROM "{table}"' for table in tables]
    _statements.extend(f'INSERT INTO "{table}" SELECT * FROM {_KEPT}."{table}"' for table in tables)


def _triggers_now() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid, tgname, tgenabled, tgfoid FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2")
        return list(cursor.fetchall())


def _put_back_postgresql(case: TransactionTestCase) -> None:
    if _triggers_now() != _triggers:
        # Put back by what follows a migration; they are new ones then.
        _put_back_by_django(case)
        _triggers[:] = _triggers_now()
        return
    with connection.cursor() as cursor:
        # No trigger and no foreign key looks on.
        cursor.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {'; '.join(_statements)}; COMMIT")
