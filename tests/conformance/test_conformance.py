"""MCP's own conformance suite, against two workers behind a round robin.

The suite can send no token, so the proxy in front adds one. The fixtures that it asks for are this app's
(``mcp_tools``). Some of its checks pass on a server without the fixture, so the records say that each was there.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.node import need_clients
from tests.conformance.suite import run
from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.issuer import Issuer
from tests.redis import RedisServer
from tests.round_robin import BalancedSite, RoundRobin
from tests.site import free_port, several_workers

_CALLER = "conformance"
# The check answers a question that it was never asked: it sends no requestState, and here nothing but the sealed note
# in it makes an answer one. It is about a SHOULD, so the suite warns and does not fail. That what was not asked is
# ignored where there is a note, as the check means it, is tested in client_requests/test_multi_round_trip.py.
_WARNS = frozenset({"IgnoreUnexpectedParams"})
# Asked for by scenarios that are not scored: resumed streams, and the extension for tasks.
_NOT_SCORED = {"test_reconnection", "test_tool_with_task"}


@pytest.fixture(scope="module")
def server(
    nginx: None, issuer: Issuer, redis: RedisServer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BalancedSite]:
    """A site with the suite's fixtures, all of them allowed, in front of which everybody is given a token."""
    need_clients()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {"PUBLIC_URL": url, "REDIS_URL": redis.url, "TEST_APPS": "tests.conformance"}
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with (
        several_workers(2, database_url, issuer, **settings) as workers,
        RoundRobin(port, [worker.port for worker in workers], workers[0].headers(_CALLER)),
    ):
        for kind in ("tool", "resource", "prompt"):
            rule_for_everybody(database_url, "test_*", kind=kind)
        yield BalancedSite(url, workers)
        for worker in workers:
            worker.assert_no_traceback()


@pytest.mark.parametrize(
    ("release", "options", "scenarios", "expected"),
    [
        ("0.1", ["--suite", "active"], 30, frozenset()),
        ("0.2", ["--requirements", "2025-11-25"], 30, frozenset()),
        ("0.2", ["--requirements", "2026-07-28"], 37, _WARNS),
    ],
    ids=["0.1.16 active", "2025-11-25", "2026-07-28"],
)
async def test_nothing_that_is_scored_fails(
    server: BalancedSite, release: str, options: list[str], scenarios: int, expected: frozenset[str]
) -> None:
    verdict = await run(need_clients(), release, f"{server.url}/mcp", *options)
    verdict.assert_clean(expected)
    assert len(verdict.scored) == scenarios
    assert asked_in_vain(server) == set()
    assert workers_that_answered(server) == 2


def asked_in_vain(server: BalancedSite) -> set[tuple[str, str]]:
    """What the suite asked for and was refused, but for what does not exist by its name."""
    query = "SELECT tool, reason FROM authz_app_callrecord WHERE decision = 'denied' AND tool LIKE 'test%'"
    refused = set(rows(server.database_url, query))
    return {(name, why) for name, why in refused if name not in _NOT_SCORED and "nonexistent" not in name}


def workers_that_answered(server: BalancedSite) -> int:
    return int(rows(server.database_url, "SELECT COUNT(DISTINCT worker) FROM authz_app_callrecord")[0][0])
