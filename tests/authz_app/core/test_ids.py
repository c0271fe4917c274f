"""Ids that begin with their time."""

from datetime import timedelta

from django.utils import timezone

from authz_app.core.ids import first_id_at
from tests.rows import record_id_at


def test_record_ids_of_a_moment_begin_with_its_first() -> None:
    moment = timezone.now()
    earlier = moment - timedelta(milliseconds=2)
    assert record_id_at(earlier) < first_id_at(moment) <= record_id_at(moment)
