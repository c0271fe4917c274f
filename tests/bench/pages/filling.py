"""Put many call records into a database, by its quickest way in."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from authz_app.models import Client
from tests.bench.pages.rows import CLIENTS, COLUMNS, client_name, records

TABLE = "authz_app_callrecord"
_AT_A_TIME = 20_000
_ISSUER = "https://tenant.auth0.example/"


def fill(count: int) -> None:
    """Clients with ids from 1 on, and so many records of theirs, into a migrated database that has neither."""
    now = timezone.now()
    Client.objects.bulk_create(
        Client(
            pk=number + 1, name=client_name(number), issuer=_ISSUER, subject=f"agent-{number}@clients", last_seen=now
        )
        for number in range(CLIENTS)
    )
    rows = records(count, now)
    (_copy if connection.vendor == "postgresql" else _insert)(rows)


def settle() -> None:
    """What PostgreSQL does by itself within a minute or so after many rows were written."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM ANALYZE {TABLE}")


def _insert(rows: Iterator[tuple[Any, ...]]) -> None:
    sql = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    connection.ensure_connection()
    while some := list(islice(rows, _AT_A_TIME)):
        with transaction.atomic():
            connection.connection.cursor().executemany(sql, map(_for_sqlite, some))


def _for_sqlite(row: Iterable[Any]) -> list[Any]:
    # Naive UTC, as Django writes it.
    return [value.replace(tzinfo=None).isoformat(" ") if isinstance(value, datetime) else value for value in row]


def _copy(rows: Iterator[tuple[Any, ...]]) -> None:
    connection.ensure_connection()
    with connection.cursor() as cursor, cursor.cursor.copy(f"COPY {TABLE} ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
