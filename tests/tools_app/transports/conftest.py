"""A site for the tests of transports: everybody may call everything but `weather_tool`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import copy_sqlite
from tests.databases import rule_for_everybody
from tests.issuer import Issuer
from tests.site import Site


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(
        copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site")),
        issuer,
        MAX_BODY_BYTES="100000",
        MAX_CALLS_IN_FLIGHT="4",
        MAX_SESSIONS_PER_CLIENT="8",
        CONTACT="ops@example.com",
    )
    with running:
        rule_for_everybody(running.database_url, "*")
        rule_for_everybody(running.database_url, "weather_tool", effect="deny")
        yield running
        running.assert_no_traceback_but("Tool crash crashed")
