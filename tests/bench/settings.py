"""Settings of the sites that are measured: those of the tests' sites, with the bench's tools instead of theirs."""

from tests.site_settings import *  # noqa: F403
from tests.site_settings import INSTALLED_APPS

INSTALLED_APPS = [
    *(app for app in INSTALLED_APPS if app != "tests.fixture_tools"),
    "tests.bench.many_tools",
]
