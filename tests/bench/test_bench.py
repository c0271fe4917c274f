"""The bench still runs: both servers answer, the records are there, and an answer that is wrong is noticed."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.bench import redaction
from tests.bench.databases import check_records, fill
from tests.bench.errors import BenchFailed
from tests.bench.load import load
from tests.bench.plan import Idle, Plan, Shape, subject
from tests.bench.processes import serving
from tests.bench.redaction import check_growth
from tests.bench.run import run
from tests.bench.servers import Servers
from tests.bench.session import Route
from tests.bench.table import table
from tests.issuer import Issuer

FEW = Shape(2, 2, rounds=1, seconds=0.2, warm_up=0.0)
TINY = Plan(
    many=FEW,
    single=Shape(1, 1, rounds=1, seconds=0.2, warm_up=0.0),
    cross=FEW,
    idle=Idle(5, before=5, settle=0.0),
    rules=200,
    clients=50,
    tools=20,
    pinned=False,
    policy_rules=200,
)


@pytest.mark.timeout(300)  # Seven servers start in it: a matter of patience where other tests keep the cores busy.
def test_both_servers_are_measured_and_every_call_of_ours_has_its_record() -> None:
    results = run(TINY)
    shown = table(results)
    rates = [row for row in results.rows if row.what.startswith("calls")]
    assert len(rates) == 2
    assert all(row.ours > 0 and row.reference and row.crowded > 0 for row in rates)
    assert "RSS per idle session" in shown
    assert all(row.ours > 0 and row.crowded > 0 for row in results.rows[-3:])
    assert "of this server left their records" in results.notes[-1]


def test_a_server_that_answers_with_errors_fails_the_bench(tmp_path: Path, issuer: Issuer) -> None:
    servers = Servers(issuer, tmp_path)
    database_url = f"sqlite:///{tmp_path / 'without_rules.sqlite3'}"
    environment = servers.environment(database_url)
    fill(environment, issuer.url, rules=0, clients=0)
    server = servers.ours("The site", environment)

    async def call() -> None:
        async with load(Route("The site", server.port, server.port), [issuer.token(subject(0))], Counter()) as one:
            await one.run(0.1, 1)

    with serving([server], None), pytest.raises(BenchFailed, match="The site answered call 1 of echo with .*No tool"):
        asyncio.run(call())
    with pytest.raises(BenchFailed, match="answered 1 calls, and its records say {'': 1}"):
        check_records(database_url, 1, "The site", patience=0)


def test_a_search_for_secrets_that_looks_again_from_each_place_fails_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_growth", lambda stretch: 64.0 if stretch == "sk-" else 8.0)
    with pytest.raises(BenchFailed, match="8 times 'sk-' costs 64 times as much"):
        check_growth()
