"""What a worker does for the requests of sessions on any worker.

Covers: tools_app.worker.tasks
"""

import asyncio

import pytest

from tests.tools_app.connected import WAIT, Join, in_flight, opened

# What ends a session is written.
pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_request_is_cancelled_wherever_it_runs_and_no_other_is(join: Join) -> None:
    here, there = await join(), await join()
    session, _ = await opened(here)
    cancelled = await in_flight(there, "k", "7")
    others = [await in_flight(there, key, request) for key, request in (("k", 7), ("another", "7"))]
    await here.cancel(session, "7")
    await asyncio.wait([cancelled], timeout=WAIT)
    assert cancelled.cancelled()
    assert not any(other.cancelling() for other in others)
