"""A worker that does nothing but write calls and events, and seal: `python -m tests.drills.writing SECONDS INTERVAL`.

Goes on sealing until what it wrote may be sealed; prints how many of both that were.
"""

import asyncio
import random
import sys
import time

import django

django.setup()

from authz_app.audit.entries import Closing, Outcome, Undelivered  # noqa: E402
from authz_app.audit.events import EventKind, event  # noqa: E402
from authz_app.audit.writer import AuditWriter  # noqa: E402
from authz_app.evidence.sealer import Sealer  # noqa: E402
from authz_app.evidence.sealing import SETTLED_AFTER  # noqa: E402
from authz_app.policy_store.loading import stored_version  # noqa: E402
from tests.authz_app.audit.openings import an_opening  # noqa: E402

IN_FLIGHT = 8
CALLS_FOR_AN_EVENT = 10
DENIED = {"decision": "denied", "reason": "no_rule", "deadline": None}


async def calls(audit: AuditWriter, version: int, until: float) -> int:
    """One call after the other: some are denied, some slow, and of some the result is lost."""
    written = 0
    while time.monotonic() < until:
        fate, began = random.random(), time.monotonic()
        opening = an_opening(version, **(DENIED if fate < 0.2 else {}))
        assert await audit.open(opening)
        written += 1
        await asyncio.sleep(random.random() * (2.0 if fate > 0.95 else 0.05))
        if fate >= 0.2:
            audit.close(Closing(opening.id, Outcome.OK, 1_000 * (time.monotonic() - began), 7))
        if fate > 0.9:
            audit.close(Undelivered(opening.id))
        if written % CALLS_FOR_AN_EVENT == 0:
            audit.close(event(EventKind.SESSION_OPENED, {"call": str(opening.id)}))
    return written


async def write(audit: AuditWriter, version: int, seconds: float) -> tuple[int, int]:
    until = time.monotonic() + seconds
    written = await asyncio.gather(*(calls(audit, version, until) for _ in range(IN_FLIGHT)))
    return sum(written), sum(count // CALLS_FOR_AN_EVENT for count in written)


def main(seconds: float, interval: float) -> None:
    audit, sealer = AuditWriter(timeout=30), Sealer(interval)
    sealer.start()
    print(*asyncio.run(write(audit, stored_version(), seconds)))
    assert audit.flush(30)
    audit.stop()
    time.sleep(SETTLED_AFTER.total_seconds() + 2 * interval)
    sealer.stop()


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
