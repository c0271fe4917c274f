"""The database of a site under test, reached past Django: as an outsider would look into it, or break it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.contrib.auth.hashers import MD5PasswordHasher, make_password

from tests.eventually import eventually


@contextmanager
def connect(database_url: str) -> Iterator[Any]:
    """A connection of one's own; each statement commits by itself unless a transaction is begun."""
    if database_url.startswith("sqlite"):
        connection: Any = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None, timeout=60)
    else:
        connection = psycopg.connect(database_url, autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


def execute(database_url: str, sql: str, parameters: Sequence[Any] = ()) -> None:
    with connect(database_url) as connection:
        connection.execute(sql, parameters)


def rule_for_everybody(
    database_url: str, tools: str, effect: str = "allow", kind: str = "tool", token_scopes: str = "", **columns: Any
) -> None:
    """Add a rule for every client, as `manage.py add_rule` would, in a hundredth of its time."""
    with connect(database_url) as connection:
        mark = "?" if database_url.startswith("sqlite") else "%s"
        values = {"effect": effect, "kind": kind, "token_scopes": token_scopes, "tools": tools, **columns}
        connection.execute(
            f"INSERT INTO authz_app_rule ({', '.join(values)}, applies_to, enabled, note, created_at, updated_at)"
            f" VALUES ({', '.join([mark] * len(values))}, 'every', true, '', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
            list(values.values()),
        )


def add_user(database_url: str, username: str, password: str, **fields: Any) -> None:
    """Add a user who can sign in, as `manage.py createsuperuser` would, in a hundredth of its time."""
    values = {
        "username": username,
        "password": make_password(password, hasher=MD5PasswordHasher()),
        **dict.fromkeys(("first_name", "last_name", "email"), ""),
        **{"is_active": True, "is_staff": False, "is_superuser": False, **fields},
    }
    with connect(database_url) as connection:
        marks = ", ".join(["?" if database_url.startswith("sqlite") else "%s"] * len(values))
        connection.execute(
            f"INSERT INTO authz_app_user ({', '.join(values)}, date_joined) VALUES ({marks}, CURRENT_TIMESTAMP)",
            list(values.values()),
        )


def rows(database_url: str, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connect(database_url) as connection:
        return list(connection.execute(sql, parameters).fetchall())


async def outcome_of(database_url: str, subject: str, outcome: str) -> None:
    """Wait until the subject's only record has this outcome."""
    query = "SELECT outcome FROM authz_app_callrecord WHERE subject = ?"
    await eventually(lambda: rows(database_url, query, [subject]), equals=[(outcome,)])
