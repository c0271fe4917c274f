"""A connection to the tests' own database that is not Django's: plain SQL, as an outsider would write it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection


@contextmanager
def outsider() -> Iterator[Any]:
    """Statements commit one by one, unless a transaction is begun."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        raw: Any = sqlite3.connect(settings["NAME"], isolation_level=None, timeout=60)
    else:
        names = {"dbname": "NAME", "host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
        raw = psycopg.connect(**{name: settings[key] for name, key in names.items()}, autocommit=True)
    try:
        yield raw
    finally:
        raw.close()
