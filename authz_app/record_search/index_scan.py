"""Scans call records in the order of their ids, along indexes.

The SQL is put together of Django's: its own unions take PostgreSQL another way than along the indexes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet

from authz_app.models import CallRecord

_LARGEST = 2**128 - 1
_ID = "id"
# As Django writes it.
_TABLE = f'"{CallRecord._meta.db_table}"'


@dataclass(frozen=True, slots=True)
class IndexScan:
    """Scans from one id to below another, downwards or upwards: the records of the streams, or all without streams.

    ``tests`` are what a record has to pass, too; see `authz_app.record_search.filters` for ``streams``.
    """

    first: UUID | None = None
    before: UUID | None = None
    upwards: bool = False
    streams: tuple[Q, ...] | None = None
    tests: tuple[Q, ...] = ()

    def up_to(self, last: UUID) -> "IndexScan":
        """End the scan at an id, which is included."""
        return replace(self, before=_next(last)) if self.upwards else replace(self, first=last)

    def beyond(self, last: UUID) -> "IndexScan":
        """Begin the scan after an id."""
        return replace(self, first=_next(last)) if self.upwards else replace(self, before=last)

    def ids(self, most: int, skip: int = 0) -> list[UUID]:
        """Read the first ids of the scan, tested or not."""
        sql, parameters = self._candidates((_ID,), most + skip)
        return _ids(f"SELECT {_ID} FROM ({sql}) way LIMIT {most} OFFSET {skip}", parameters)

    def count(self, most: int) -> int:
        """Count the records of the scan, tested or not, up to ``most``."""
        sql, parameters = self._candidates((_ID,), most)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM ({sql}) way", parameters)
            return int(cursor.fetchone()[0])

    def passing(self, candidates: int, most: int) -> list[UUID]:
        """Read the first ids of those that pass the tests, among so many candidates.

        Their limit keeps databases from going along another index, where there may be many more.
        """
        columns = {_ID, *(column for test in self.tests for column in _columns(test))}
        inner, parameters = self._candidates(sorted(columns), candidates)
        sql, tested = _sql(CallRecord.objects.filter(*self.tests), (_ID,))
        sql = sql.replace(f"FROM {_TABLE}", f"FROM ({inner}) {_TABLE}", 1)
        return _ids(f"{sql} ORDER BY {_ID}{self._direction} LIMIT {most}", [*parameters, *tested])

    @property
    def _direction(self) -> str:
        return "" if self.upwards else " DESC"

    def _candidates(self, columns: Sequence[str], most: int) -> tuple[str, list[Any]]:
        """Write a query for so many of the next records, whether or not they pass the tests."""
        streams = (Q(),) if self.streams is None else self.streams
        parts = [_sql(self._within().filter(stream), columns) for stream in streams] or [_nothing(columns)]
        order = f"ORDER BY {_ID}{self._direction} LIMIT {most}"
        merged = " UNION ALL ".join(_part(sql, order) for sql, _ in parts)
        return f"SELECT * FROM ({merged}) way {order}", [parameter for _, some in parts for parameter in some]

    def _within(self) -> "QuerySet[CallRecord]":
        records = CallRecord.objects.all() if self.first is None else CallRecord.objects.filter(pk__gte=self.first)
        return records if self.before is None else records.filter(pk__lt=self.before)


def _next(last: UUID) -> UUID:
    return UUID(int=min(last.int + 1, _LARGEST))


def _part(sql: str, order: str) -> str:
    """Order one of several streams: PostgreSQL merges them if each comes in order. SQLite merges them by itself."""
    return sql if connection.vendor == "sqlite" else f"SELECT * FROM ({sql} {order}) part"


def _sql(records: "QuerySet[CallRecord]", columns: Sequence[str]) -> tuple[str, Sequence[Any]]:
    try:
        sql, parameters = records.order_by().values(*columns).query.sql_with_params()
    except EmptyResultSet:
        return _nothing(columns)
    return sql, parameters


def _nothing(columns: Sequence[str]) -> tuple[str, Sequence[Any]]:
    return f"SELECT {', '.join(columns)} FROM {_TABLE} WHERE 1 = 0", ()


def _ids(sql: str, parameters: Sequence[Any]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        # SQLite has them as text.
        return [value if isinstance(value, UUID) else UUID(value) for (value,) in cursor.fetchall()]


def _columns(test: Q) -> Iterator[str]:
    for child in test.children:
        if isinstance(child, Q):
            yield from _columns(child)
        elif isinstance(child, tuple):
            name = str(child[0]).partition("__")[0]
            yield _ID if name == "pk" else name
