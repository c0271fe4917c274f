"""Makes the worker of this process. Only the edges of the site ask for it, and hand on what others need."""

from functools import cache
from typing import Any

from django.core.signals import setting_changed

from tools_app.worker.worker import Worker


@cache
def process_worker() -> Worker:
    """This process's worker, made when it is first needed."""
    return Worker()


def running_worker() -> Worker | None:
    """This process's worker, if it has been needed."""
    return process_worker() if process_worker.cache_info().currsize else None


def outage_notices() -> list[str]:
    """A sentence for the admin's start page, while this worker cannot write call records."""
    worker = running_worker()
    return [worker.dependencies.audit.outage] if worker and worker.dependencies.audit.outage else []


async def drain(limit: float) -> None:
    if worker := running_worker():
        await worker.drain(limit)


def _forget(**_: Any) -> None:
    if worker := running_worker():
        worker.stop()
        process_worker.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tools_app.worker.process")
