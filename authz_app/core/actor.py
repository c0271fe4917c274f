"""Name who is acting: the database's triggers write that name into the policy's history.

A context variable holds the name. PostgreSQL reads it from a setting of the session, which is set here. On SQLite a
temporary trigger calls a Python function of the connection; connections of other programs have neither.
"""

import os
import pwd
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_EDIT = "authz_app_policyedit"
_current: ContextVar[str] = ContextVar("actor", default="")

_SQLITE_TRIGGER = f"""CREATE TEMP TRIGGER IF NOT EXISTS policy_history_actor AFTER INSERT ON main.{_EDIT}
WHEN authz_actor() <> '' BEGIN
    UPDATE {_EDIT} SET actor_kind = substr(authz_actor(), 1, instr(authz_actor(), ':') - 1),
        actor = substr(authz_actor(), instr(authz_actor(), ':') + 1) WHERE id = NEW.id;
END"""


def user(name: str) -> str:
    return f"user:{name}"


def command(arguments: Sequence[str]) -> str:
    """The actor that stands for a management command, and whoever runs it on this machine."""
    uid = os.getuid()
    try:
        runs_it = pwd.getpwuid(uid).pw_name
    except KeyError:
        runs_it = str(uid)
    return f"command:{arguments[1] if len(arguments) > 1 else 'help'} by {runs_it}"


def current() -> str:
    """The name of who is acting in this context; empty where nobody is known."""
    return _current.get()


def readable(actor: str) -> str:
    """An actor as a person reads it. A user's name has no space in it, so the two cannot be taken for each other."""
    kind, _, name = actor.partition(":")
    return f"manage.py {name}" if kind == "command" else name


@contextmanager
def acting(actor: str) -> Iterator[None]:
    """Attribute what is changed within to this actor, on every connection of this thread."""
    token = _current.set(actor.replace("\x00", "")[:200])
    try:
        _set_on_open_connections()
        yield
    finally:
        _current.reset(token)
        _set_on_open_connections()


def _set_on_open_connections() -> None:
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and connection.vendor == "postgresql":
            try:
                _set_on(connection)
            except Error:
                # Its session must not go on under a name that is not known.
                connection.close()


def _set_on(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('authz.actor', %s, false)", [_current.get()])


def listen(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Make the actor known to the triggers of this connection. Receives ``connection_created``, too."""
    if connection.vendor == "postgresql":
        if _current.get():
            _set_on(connection)
        return
    connection.connection.create_function("authz_actor", 0, _current.get)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = %s", [_EDIT])
        if cursor.fetchone():
            cursor.execute(_SQLITE_TRIGGER)
