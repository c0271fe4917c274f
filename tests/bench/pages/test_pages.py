"""The pages that are measured among a million records come among a few, too."""

import pytest
from django.test import Client

from authz_app.models import CallRecord
from tests.bench.pages.filling import fill
from tests.bench.pages.visits import visits

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_every_page_that_is_measured_comes(admin_client: Client) -> None:
    fill(400)
    measured = list(visits(admin_client, rounds=1))
    assert len({visit.path for visit in measured}) > 90
    assert all(visit.worst_ms >= visit.median_ms > 0 for visit in measured)


def test_the_records_are_as_a_busy_site_would_have_them() -> None:
    fill(2_000)
    denied = CallRecord.objects.filter(decision="denied").count()
    assert 20 < denied < 120
    assert CallRecord.objects.filter(outcome="ok").count() > 1_700
    assert CallRecord.objects.order_by().values("client_id").distinct().count() > 40
    ids = list(CallRecord.objects.order_by("at").values_list("pk", flat=True))
    assert ids == sorted(ids)
