"""What the admin's start page says of an outage of this worker."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError

from tools_app.worker.process import outage_notices, process_worker


@pytest.fixture(autouse=True)
def no_worker() -> Iterator[None]:
    process_worker.cache_clear()
    yield
    process_worker.cache_clear()


def test_without_a_worker_there_is_nothing_to_say() -> None:
    assert outage_notices() == []
    assert process_worker.cache_info().currsize == 0


async def test_a_worker_tells_its_outage_as_long_as_it_lasts() -> None:
    audit = process_worker().dependencies.audit
    assert outage_notices() == []
    audit._outage.failed(OperationalError("the disk is full"), 1)
    assert outage_notices() == [audit.outage]
    assert "the disk is full" in audit.outage
