"""Pages of what is left, walked along indexes: nothing is left out, nothing comes twice.

Covers: authz_app.record_search.index_scan
"""

import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from authz_app.models import CallRecord
from authz_app.record_search import filters, paging as newest
from authz_app.record_search.filters import Filter
from authz_app.record_search.paging import Place, left_by, page_of
from tests.rows import build_record, build_refusal, make_client

pytestmark = [pytest.mark.django_db, pytest.mark.database]
NOW = timezone.now()
SETS = [
    *("all", "one", "two_streams", "glob", "pair", "pair_of_streams", "none_leads", "contradiction", "nothing"),
    *("outcomes", "unusual", "address", "times", "arguments"),
]


@pytest.fixture(autouse=True)
def records() -> None:
    """Two hundred, of two clients, most of them of one tool, a minute between them."""
    callers = [make_client("One"), make_client("Two")]
    chance = random.Random(3)
    made = []
    for number in range(200):
        build = build_refusal if chance.random() < 0.2 else build_record
        fields = {"tool": chance.choices(["a_1", "a_2", "b"], [8, 3, 1])[0], "address": f"203.0.113.{number % 3}"}
        made.append(build(chance.choice(callers), timedelta(minutes=number), **fields))
    CallRecord.objects.bulk_create(made)


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "_FIRST_WINDOW", 8)
    monkeypatch.setattr(newest, "_LARGEST_WINDOW", 16)


def sets() -> dict[str, list[Filter]]:
    """Filters of every sort: led by an index or by none, merged, negated, within a time, contradictory."""
    one, two = sorted(CallRecord.objects.order_by().values_list("client_id", flat=True).distinct())
    client, denied = filters.one_of("client_id", [one]), filters.by_decision(["denied"])
    return {
        "all": [],
        "one": [client],
        "two_streams": [filters.one_of("client_id", [one, two])],
        "glob": [filters.matching("tool", ["a_*"])],
        "pair": [client, denied],
        "pair_of_streams": [filters.matching("tool", ["a_?", "b"]), denied],
        "none_leads": [denied.negated(), client.negated()],
        "contradiction": [client, client.negated()],
        "nothing": [client, filters.nothing()],
        "outcomes": [filters.by_outcome(["ok", "unknown"], NOW)],
        "unusual": [filters.by_outcome(["running", "unknown", "crashed"], NOW)],
        "address": [filters.matching("address", ["203.0.113.?"]), filters.matching("address", ["203.0.113.1"])],
        "times": [client, filters.since(NOW - timedelta(hours=2)), filters.until(NOW - timedelta(hours=1))],
        "arguments": [filters.by_arguments(["EUROPE"]), client],
    }


def wanted(filters: Sequence[Filter]) -> list[UUID]:
    return list(left_by(CallRecord.objects.order_by("-pk"), filters).values_list("pk", flat=True))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("in_time", [True, False])
def test_pages_down_and_up_have_each_record_once(name: str, in_time: bool) -> None:
    assert list(sets()) == SETS
    filters = sets()[name]
    seen: list[UUID] = []
    place, steps = Place(), 0
    while True:
        page = page_of(filters, place, 7, lambda: not in_time)
        seen += page.ids
        assert (page.reached is not None) == (page.looked_at > 0)
        if not page.more:
            break
        place, steps = Place(before=page.reached or page.ids[-1]), steps + 1
        assert steps < 300
    assert seen == wanted(filters)
    upwards: list[UUID] = []
    place = Place(after=UUID(int=0))
    while True:
        page = page_of(filters, place, 7, lambda: not in_time)
        upwards = [*page.ids, *upwards]
        if not page.more:
            break
        place = Place(after=page.reached or page.ids[0])
    assert upwards == seen


def test_where_the_time_is_up_the_page_says_how_far_it_got() -> None:
    page = page_of([filters.by_arguments(["nothing"])], Place(), 7, lambda: True)
    ids = wanted([])
    assert (page.ids, page.more, page.looked_at, page.reached) == ([], True, 8, ids[7])


def test_what_an_index_answers_is_not_looked_through() -> None:
    def never() -> bool:
        raise AssertionError("It asks for the time.")

    assert page_of(sets()["one"], Place(), 7, never).ids == wanted(sets()["one"])[:7]
    assert page_of(sets()["glob"], Place(), 7, never).ids == wanted(sets()["glob"])[:7]


def test_the_rarest_leads() -> None:
    CallRecord.objects.bulk_create([build_record(make_client("Rare"), timedelta(minutes=300), tool="a_1")])
    rare = CallRecord.objects.earliest("pk")
    found = [filters.matching("tool", ["a_1"]), filters.one_of("client_id", [rare.client_id])]
    assert page_of(found, Place(), 7, lambda: True).ids == [rare.pk]


def test_a_glob_of_a_column_with_too_many_values_is_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "MOST_VALUES", 2)
    tested = filters.matching("tool", ["a_*"])
    assert tested.streams is None
    assert page_of([tested], Place(), 500, lambda: False).ids == wanted([filters.one_of("tool", ["a_1", "a_2"])])


@pytest.mark.parametrize(("size", "seconds", "after"), [(8, 0, 16), (16, 0, 16), (8, 0.03, 8), (16, 1, 8), (8, 1, 8)])
def test_windows_grow_while_they_are_quick_and_shrink_when_they_are_not(size: int, seconds: float, after: int) -> None:
    assert newest.next_size(size, seconds) == after
