"""Reads one page of the call records that all filters leave, within a fraction of a second among a million.

One filter leads: the one that leaves the fewest records by an index, in the order of ids. The others are tested on
what it gives, some thousands of records at a time, until the page is full, or the time is up. Then the page says how
far it got, and goes on from there when asked to.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from authz_app.record_search.filters import Filter
from authz_app.record_search.index_scan import IndexScan

# Seconds that may be spent on testing records.
PATIENCE = 0.2
M = TypeVar("M", bound=Model)
_FIRST_WINDOW, _LARGEST_WINDOW = 1_000, 16_000
# What leads is decided by counting up to here.
_COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """Says where a page begins: below an id, or above one; without either, with the newest."""

    before: UUID | None = None
    after: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Holds ids, the newest first. ``more``: there are others further in the same direction, or may be.

    ``looked_at``: how many records were tested where the time was up before all were; ``reached`` is the last of them.
    """

    ids: list[UUID]
    more: bool = False
    looked_at: int = 0
    reached: UUID | None = None


def clock() -> Callable[[], bool]:
    """Start a clock. What is returned says whether the time is up."""
    end = time.monotonic() + PATIENCE
    return lambda: time.monotonic() >= end


def page_of(filters: Sequence[Filter], place: Place, size: int, is_over: Callable[[], bool]) -> Page:
    scan = _led(_bounded(filters, place), filters)
    found = _tested(scan, size + 1, is_over) if scan.tests else Page(scan.ids(size + 1))
    more = len(found.ids) > size or found.reached is not None
    return replace(found, ids=sorted(found.ids[:size], reverse=True), more=more)


def left_by(records: "QuerySet[M]", filters: Sequence[Filter]) -> "QuerySet[M]":
    """Select all of these records or events that the filters leave, however long that takes."""
    bounds = _bounded(filters, Place())
    records = records if bounds.first is None else records.filter(pk__gte=bounds.first)
    records = records if bounds.before is None else records.filter(pk__lt=bounds.before)
    return records.filter(*(filter.holds for filter in filters))


def _bounded(filters: Sequence[Filter], place: Place) -> IndexScan:
    """Scan from the place, within the times that the filters leave, along no index yet."""
    scan = IndexScan(
        max((one.first for one in filters if one.first is not None), default=None),
        min((one.before for one in filters if one.before is not None), default=None),
        upwards=place.after is not None,
    )
    if place.before is not None and (scan.before is None or place.before < scan.before):
        return scan.beyond(place.before)
    if place.after is not None and (scan.first is None or place.after >= scan.first):
        return scan.beyond(place.after)
    return scan


def _led(scan: IndexScan, filters: Sequence[Filter]) -> IndexScan:
    """Scan along the filter that leaves the fewest records, and test the others."""
    tests = [filter for filter in filters if filter.holds]
    scans = [
        replace(scan, streams=leader.streams, tests=tuple(other.holds for other in tests if other is not leader))
        for leader in tests
        if leader.streams is not None
    ]
    scans.append(replace(scan, tests=tuple(filter.holds for filter in tests)))
    # What needs no test is exact, and what leads alone is not to be compared.
    return scans[0] if len(scans) == 1 or not scans[0].tests else min(scans, key=lambda one: one.count(_COUNTED))


def _tested(scan: IndexScan, wanted: int, is_over: Callable[[], bool]) -> Page:
    """Read as many as are wanted of those that pass the tests, unless the time is up before."""
    ids: list[UUID] = []
    looked_at, size = 0, _FIRST_WINDOW
    while True:
        began = time.monotonic()
        last = scan.ids(1, skip=size - 1)
        ids += (scan.up_to(last[0]) if last else scan).passing(size, wanted - len(ids))
        looked_at += size
        if not last or len(ids) >= wanted:
            return Page(ids)
        if is_over():
            return Page(ids, looked_at=looked_at, reached=last[0])
        scan = scan.beyond(last[0])
        size = next_size(size, time.monotonic() - began)


def next_size(size: int, seconds: float) -> int:
    """Choose how many records to test next, after ``size`` took ``seconds``: large records take longer."""
    if seconds > PATIENCE / 4:
        return max(size // 2, _FIRST_WINDOW)
    return min(2 * size, _LARGEST_WINDOW) if seconds < PATIENCE / 8 else size
