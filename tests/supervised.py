"""A site whose workers a supervisor keeps: `manage.py serve --workers N`."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.eventually import wait_until
from tests.site import START_SECONDS, Site


@contextmanager
def supervised(site: Site, count: int) -> Iterator[Site]:
    """The site, served by so many workers. No process of it is left behind."""
    site.start(sys.executable, "manage.py", "serve", "--port", str(site.port), "--workers", str(count))
    supervisor, workers = psutil.Process(site.pid), []
    try:
        wait_for_workers(site, count)
        yield site
    finally:
        if supervisor.is_running():
            workers = supervisor.children()
        site.stop()
        for worker in workers:
            if worker.is_running():
                worker.kill()


def worker_pids(site: Site) -> set[int]:
    """The processes that the supervisor has started and that live."""
    return {child.pid for child in psutil.Process(site.pid).children() if _lives(child)}


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for_workers(site: Site, count: int, other_than: frozenset[int] = frozenset()) -> set[int]:
    """Wait until there are exactly so many workers that have served, none of them one of ``other_than``."""

    def served() -> set[int]:
        pids = worker_pids(site)
        serving = sum(line.startswith("Serving ") for line in site.lines)
        return pids if len(pids) == count <= serving and not pids & other_than else set()

    return wait_until(served, within=START_SECONDS, what=lambda: f"{count} new workers:\n{site.log}\n")


def reload(site: Site, count: int) -> set[int]:
    """Replace all workers; returns the new ones once the old ones have left."""
    old = frozenset(worker_pids(site))
    psutil.Process(site.pid).send_signal(signal.SIGHUP)
    return wait_for_workers(site, count, other_than=old)
