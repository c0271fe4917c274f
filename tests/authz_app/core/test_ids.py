"""Ids that begin with their time."""

from datetime import timedelta

from django.utils import timezone

from authz_app.core.ids import first_id_at, moment_of, uuid7
from tests.rows import record_id_at


def test_record_ids_of_a_moment_begin_with_its_first() -> None:
    moment = timezone.now()
    earlier = moment - timedelta(milliseconds=2)
    assert record_id_at(earlier) < first_id_at(moment) <= record_id_at(moment)


def test_ids_are_made_in_the_order_of_their_times() -> None:
    before = timezone.now()
    ids = [uuid7() for _ in range(1_000)]
    assert ids == sorted(set(ids))
    assert {made.version for made in ids} == {7}
    assert first_id_at(before) <= ids[0]
    assert moment_of(ids[-1]) <= timezone.now()
