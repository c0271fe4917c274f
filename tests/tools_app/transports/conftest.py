"""A site for the tests of transports: everybody may call everything but `weather_tool`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from mcp.client import Client

from tests.conftest import copy_sqlite
from tests.databases import rule_for_everybody
from tests.issuer import Issuer
from tests.redis import RedisServer
from tests.round_robin import AnySite, BalancedSite, balanced_site
from tests.site import Site

ONE, TWO = "one worker", "two workers"
# The ways of connecting, as records name them.
SSE, STREAMABLE = "sse", "streamable"
# OpenClient(subject, **options): the SDK's client in the handshake era.
OpenClient = Callable[..., AbstractAsyncContextManager[Client]]
_LIMITS = {
    "MAX_BODY_BYTES": "100000",
    "MAX_CALLS_IN_FLIGHT": "4",
    "MAX_SESSIONS_PER_CLIENT": "8",
    "CONTACT": "ops@example.com",
}


@pytest.fixture(scope="module")
def site(
    request: pytest.FixtureRequest, issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AnySite]:
    """A site with one worker; where a test's parameter says so, with two behind a round robin."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    starting: AbstractContextManager[AnySite] = Site(database_url, issuer, **_LIMITS)
    if getattr(request, "param", ONE) == TWO:
        request.getfixturevalue("nginx")
        redis: RedisServer = request.getfixturevalue("redis")
        starting = balanced_site(2, database_url, issuer, REDIS_URL=redis.url, **_LIMITS)
    with starting as running:
        rule_for_everybody(database_url, "*")
        rule_for_everybody(database_url, "weather_tool", effect="deny")
        yield running
        running.assert_no_traceback_but("Tool crash crashed", "Resource broken_note crashed")
        if isinstance(running, BalancedSite):
            running.assert_all_worked()


@pytest.fixture
def open_client(site: AnySite, way: str) -> OpenClient:
    """Connect to the site in the way that the test's parameter says."""
    return site.client if way == SSE else partial(site.streamable_client, mode="legacy")
