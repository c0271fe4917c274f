"""One page of the call records that are left by all narrowings, within a fraction of a second among a million.

One narrowing leads: the one that leaves the fewest records by an index, in the order of ids. The others are tested on
what it gives, some thousands of records at a time, until the page is full, or the time is up. Then the page says how
far it got, and goes on from there when asked to.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import QuerySet

from authz_app.models import CallRecord
from authz_app.record_search.filters import Narrowing
from authz_app.record_search.index_scan import Walk

# Seconds that may be spent on testing records.
PATIENCE = 0.2
_FIRST_WINDOW, _LARGEST_WINDOW = 1_000, 16_000
# What leads is decided by counting up to here.
_COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: below an id, or above one. Neither: with the newest."""

    before: UUID | None = None
    after: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Ids, the newest first. ``more``: further in the same direction there are others, or may be.

    ``looked_at``: how many records were tested where the time was up before all were; ``reached`` is the last of them.
    """

    ids: list[UUID]
    more: bool = False
    looked_at: int = 0
    reached: UUID | None = None


def clock() -> Callable[[], bool]:
    """Says whether the time is up, which begins now."""
    end = time.monotonic() + PATIENCE
    return lambda: time.monotonic() >= end


def page_of(narrowings: Sequence[Narrowing], place: Place, size: int, is_over: Callable[[], bool]) -> Page:
    """The page at this place."""
    walk = _led(_bounded(narrowings, place), narrowings)
    found = _tested(walk, size + 1, is_over) if walk.tests else Page(walk.ids(size + 1))
    more = len(found.ids) > size or found.reached is not None
    return replace(found, ids=sorted(found.ids[:size], reverse=True), more=more)


def left_by(records: "QuerySet[CallRecord]", narrowings: Sequence[Narrowing]) -> "QuerySet[CallRecord]":
    """All of these records that are left, however long it takes to find them."""
    bounds = _bounded(narrowings, Place())
    records = records if bounds.first is None else records.filter(pk__gte=bounds.first)
    records = records if bounds.before is None else records.filter(pk__lt=bounds.before)
    return records.filter(*(narrowing.holds for narrowing in narrowings))


def _bounded(narrowings: Sequence[Narrowing], place: Place) -> Walk:
    """The way from the place through the times that are left, along nothing yet."""
    walk = Walk(
        max((one.first for one in narrowings if one.first is not None), default=None),
        min((one.before for one in narrowings if one.before is not None), default=None),
        upwards=place.after is not None,
    )
    if place.before is not None and (walk.before is None or place.before < walk.before):
        return walk.beyond(place.before)
    if place.after is not None and (walk.first is None or place.after >= walk.first):
        return walk.beyond(place.after)
    return walk


def _led(walk: Walk, narrowings: Sequence[Narrowing]) -> Walk:
    """The walk along what leaves the fewest records, with all else to be tested."""
    tests = [narrowing for narrowing in narrowings if narrowing.holds]
    walks = [
        replace(walk, streams=leader.streams, tests=tuple(other.holds for other in tests if other is not leader))
        for leader in tests
        if leader.streams is not None
    ]
    walks.append(replace(walk, tests=tuple(narrowing.holds for narrowing in tests)))
    # What needs no test is exact, and what leads alone is not to be compared.
    return walks[0] if len(walks) == 1 or not walks[0].tests else min(walks, key=lambda one: one.count(_COUNTED))


def _tested(walk: Walk, wanted: int, is_over: Callable[[], bool]) -> Page:
    """As many as are wanted of those that pass the tests, unless the time is up before."""
    ids: list[UUID] = []
    looked_at, size = 0, _FIRST_WINDOW
    while True:
        began = time.monotonic()
        last = walk.ids(1, skip=size - 1)
        ids += (walk.up_to(last[0]) if last else walk).passing(size, wanted - len(ids))
        looked_at += size
        if not last or len(ids) >= wanted:
            return Page(ids)
        if is_over():
            return Page(ids, looked_at=looked_at, reached=last[0])
        walk = walk.beyond(last[0])
        size = next_size(size, time.monotonic() - began)


def next_size(size: int, seconds: float) -> int:
    """How many records to test next, after so many took so long. Long ones take longer, and the time is short."""
    if seconds > PATIENCE / 4:
        return max(size // 2, _FIRST_WINDOW)
    return min(2 * size, _LARGEST_WINDOW) if seconds < PATIENCE / 8 else size
