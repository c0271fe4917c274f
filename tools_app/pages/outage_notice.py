"""Warns on the admin's start page while this worker cannot write call records."""

from collections.abc import Sequence

from tools_app.worker.process import running_worker


def notices() -> Sequence[str]:
    """A sentence, if there is an outage now. If nothing can be read either, the page does not show."""
    worker = running_worker()
    outage = worker.dependencies.audit.outage if worker is not None else ""
    return [outage] if outage else []
