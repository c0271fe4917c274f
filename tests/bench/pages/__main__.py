"""Measure the pages of the admin among many records:

python -m tests.bench.pages [--records 1000000] [--postgresql] [--rounds 5] [--database URL]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import django

from tests.bench.databases import databases

# Milliseconds that no page is to take.
MOST = 500


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--postgresql", action="store_true", help="on a private PostgreSQL cluster instead of SQLite")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", metavar="URL", help="filled if it is empty, and kept")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcpsite-pages-")))
        url = options.database
        if url is None:
            url = stack.enter_context(databases(["pages"], directory, options.postgresql))["pages"]
        _set_up(url, directory)
        worst = _measured(options.records, options.rounds)
    print(f"\nThe slowest page took {worst:,.0f} ms; {MOST} ms are allowed.")
    return 0 if worst <= MOST else 1


def _set_up(url: str, directory: Path) -> None:
    os.environ |= {
        "SITE_DATABASE_URL": url,
        "SITE_SECRET_KEY": "a-secret-key-that-is-used-by-the-bench-and-nowhere-else-0123456789",
        "SITE_PUBLIC_URL": "http://testserver",
        "SITE_LOCAL_ISSUER": "true",
        "SITE_AUDIT_KEY_FILE": str(directory / "audit-key.pem"),
        "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
    }
    django.setup()


def _measured(records: int, rounds: int) -> float:
    """Print how long each page took, and return the longest of all in milliseconds."""
    from django.core.management import call_command  # noqa: PLC0415  (Django is set up by now)
    from django.test import Client  # noqa: PLC0415

    from authz_app.models import CallRecord, User  # noqa: PLC0415
    from tests.bench.pages.filling import fill, settle  # noqa: PLC0415
    from tests.bench.pages.visits import visits  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    if not CallRecord.objects.exists():
        began = time.monotonic()
        fill(records)
        print(f"{records:,} records were written in {time.monotonic() - began:.0f} s.")
    settle()
    browser = Client()
    browser.force_login(User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)[0])
    browser.get("/admin/login/")
    print(f"{'worst':>7} {'median':>7} {'CPU':>7}  ms, of {rounds}; CPU: the worst of this process")
    worst = 0.0
    for visit in visits(browser, rounds):
        print(f"{visit.worst_ms:7.0f} {visit.median_ms:7.0f} {max(visit.cpu_ms):7.0f}  {visit.what}", flush=True)
        worst = max(worst, visit.worst_ms)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
