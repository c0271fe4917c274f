"""What the admin's start page says while this worker cannot write call records."""

from collections.abc import Sequence

from tools_app.worker.worker import running_worker


def notices() -> Sequence[str]:
    """A sentence, where there is an outage now. Where nothing can be read either, there is no such page."""
    worker = running_worker()
    told = worker.dependencies.audit.outage if worker is not None else ""
    return [told] if told else []
