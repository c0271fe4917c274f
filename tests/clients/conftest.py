"""A site for real clients: two workers behind a round robin, where everybody may use everything but `weather_tool`.

Nobody may have `echo` say "forbidden".
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.node import need_clients
from tests.conftest import copy_sqlite
from tests.databases import rule_for_everybody
from tests.issuer import Issuer
from tests.redis import RedisServer
from tests.round_robin import BalancedSite, balanced_site


@pytest.fixture(scope="module")
def site(
    node: str,
    nginx: None,
    issuer: Issuer,
    redis: RedisServer,
    migrated_sqlite: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BalancedSite]:
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with balanced_site(2, database_url, issuer, REDIS_URL=redis.url, CONTACT="ops@example.com") as running:
        for kind in ("tool", "resource", "prompt"):
            rule_for_everybody(database_url, "*", kind=kind)
        rule_for_everybody(database_url, "weather_tool", effect="deny")
        rule = (
            "--effect",
            "deny",
            "--every-client",
            "--tool",
            "echo",
            "--condition",
            "arguments.text equals forbidden",
        )
        added = running.manage("add_rule", *rule)
        assert added.returncode == 0, added.stderr
        yield running
        for worker in running.workers:
            worker.assert_no_traceback()


@pytest.fixture(scope="session")
def node() -> str:
    """The Node that the clients run on."""
    return need_clients()
