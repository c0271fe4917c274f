"""Drill 5: the database breaks in every way there is, under load, and is mended. No record, no call."""

import asyncio
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.conftest import copy_sqlite, need
from tests.databases import execute, rows, rule_for_everybody
from tests.drills import evidence
from tests.drills.administrator import Administrator
from tests.drills.asking import DONE, ask, asking
from tests.drills.sizes import HEARTBEAT, SLACK, size
from tests.drills.swallowing import Passage
from tests.drills.ways import ON_POSTGRESQL, ON_SQLITE, SERVING, Place, Way, full_disk, small_disk, stopped
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.postgresql import Cluster, binaries
from tests.raw_sse import raw_session
from tests.redis import RedisServer
from tests.site import Site

LIMIT = 1.0
OUT = size(2.0, 60.0)
CALLERS = ["alice", "bob", "carol"]
IN_FLIGHT = size(3, 8)
REFUSALS = size(12, 100)
UNRECORDED = "The call could not be recorded, so it was not run. Try again in a moment."
TOLD = {
    UNRECORDED,
    "The permissions cannot be read right now. Try again in a moment.",
}
# Lines of a worker about one outage, however long it is: what keeps records, reads the policy, seals, sees the other
# workers and serves pages says once that it cannot, and once that it can.
LINES = 14
_UNWRITTEN = "SELECT count(*) FROM authz_app_callrecord WHERE decision = 'allowed' AND outcome = ''"
_TRACES = "SELECT details FROM authz_app_auditevent WHERE kind = 'outage'"
_NAPS = "SELECT outcome FROM authz_app_callrecord WHERE tool = 'mark_and_nap'"


@pytest.fixture(scope="module")
def sqlite_template(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database with an administrator."""
    url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("administered"))
    Administrator.create(url)
    rule_for_everybody(url, "*")
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """A cluster to break, with a migrated database of two roles, and an administrator in it."""
    need("PostgreSQL's server programs", binaries() is not None)
    with Cluster() as cluster:
        _prepare(cluster)
        yield cluster


def _prepare(cluster: Cluster) -> None:
    execute(cluster.url, f"CREATE ROLE {SERVING} LOGIN")
    execute(cluster.url, "CREATE DATABASE template")
    url = _database(cluster, "template")
    site = Site(_as_serving(url), MIGRATE_DATABASE_URL=url, LOCAL_ISSUER="true")
    migrated = site.manage("migrate", "-v0")
    assert migrated.returncode == 0, migrated.stderr
    Administrator.create(url)
    rule_for_everybody(url, "*")


def _database(cluster: Cluster, name: str) -> str:
    return cluster.url.rpartition("/")[0] + f"/{name}"


def _as_serving(url: str, port: int | None = None) -> str:
    served = re.sub(r"//[^@/]*@", f"//{SERVING}@", url)
    return served if port is None else re.sub(r":\d+/", f":{port}/", served)


@contextmanager
def _site_on(cluster: Cluster, issuer: Issuer, ballast: Path | None = None, **settings: str) -> Iterator[Place]:
    name = f"broken_{os.urandom(4).hex()}"
    execute(cluster.url, f"CREATE DATABASE {name} TEMPLATE template")
    url = _database(cluster, name)
    with (
        Passage(cluster.port) as passage,
        Site(_as_serving(url, passage.port), issuer, **{**_SETTINGS, **settings}) as site,
    ):
        yield Place(url, site, cluster, passage, ballast)
    execute(cluster.url, f"DROP DATABASE {name} WITH (FORCE)")


_SETTINGS = {
    "AUDIT_TIMEOUT": str(LIMIT),
    "AUDIT_SEAL_SECONDS": "1",
    "TOOL_TIME_LIMIT": str(OUT + 60),
    "TOOL_THREADS": "64",
}


@pytest.mark.timeout(size(120, 300))
@pytest.mark.parametrize("way", ON_POSTGRESQL)
async def test_a_broken_postgresql_runs_no_call_without_a_record_and_needs_no_restart_once_it_is_mended(
    own_cluster: Cluster, issuer: Issuer, marks: Path, way: str
) -> None:
    with _site_on(own_cluster, issuer) as place:
        await _drill(place, ON_POSTGRESQL[way], marks, way)


@pytest.mark.timeout(size(120, 300))
@pytest.mark.parametrize("way", ON_SQLITE)
async def test_a_broken_sqlite_runs_no_call_without_a_record_and_needs_no_restart_once_it_is_mended(
    sqlite_template: Path, tmp_path: Path, issuer: Issuer, marks: Path, way: str
) -> None:
    url = copy_sqlite(sqlite_template, tmp_path)
    with Site(url, issuer, **_SETTINGS) as site:
        await _drill(Place(url, site), ON_SQLITE[way], marks, way)


@pytest.mark.timeout(size(120, 300))
async def test_a_full_disk_under_postgresql_runs_no_call_without_a_record(issuer: Issuer, marks: Path) -> None:
    need("PostgreSQL's server programs", binaries() is not None)
    with small_disk(megabytes=220) as disk, Cluster(disk) as cluster:
        _prepare(cluster)
        with _site_on(cluster, issuer, disk / "ballast") as place:
            await _drill(place, full_disk, marks, "full disk")


async def test_without_redis_and_the_database_nothing_runs_and_both_are_missed_no_more_when_they_are_back(
    own_cluster: Cluster, redis: RedisServer, issuer: Issuer, marks: Path
) -> None:
    with RedisServer() as own_redis, _site_on(own_cluster, issuer, REDIS_URL=own_redis.url) as place:
        site = place.site
        async with (
            Administrator(site) as administrator,
            raw_session(site, "dave") as stream,
            httpx2.AsyncClient(timeout=OUT + 60) as http,
            asking(site, CALLERS, IN_FLIGHT) as answers,
        ):
            await answers.more(done=20)
            with stopped(place):
                await asyncio.to_thread(own_redis.kill)
                await answers.more(refused=REFUSALS)
                assert await administrator.sees("/admin/") == 503
                assert (await ask(http, site, "stranger")).words in TOLD
                await asyncio.to_thread(own_redis.start)
            await answers.more(done=20)
            assert await administrator.sees("/admin/") == 200
        async with raw_session(site, "dave") as stream:
            assert (await stream.request("ping", request_id="after"))["result"] == {}
        await _written(place.url)
        evidence.assert_every_run_has_one_record(place.url, marks)
        assert set(answers.refused) <= TOLD
        site.assert_no_traceback()


async def _drill(place: Place, way: Way, marks: Path, name: str) -> None:
    """Break the database under load; see what callers, streams and pages are told meanwhile, and what is left of it."""
    site = place.site
    async with (
        Administrator(site) as administrator,
        raw_session(site, "dave") as stream,
        httpx2.AsyncClient(timeout=OUT + 60) as http,
        asking(site, CALLERS, IN_FLIGHT) as answers,
    ):
        await answers.more(done=20)
        assert await administrator.sees("/admin/") == 200
        across = [
            asyncio.create_task(ask(http, site, "erin", "mark_and_nap", seconds=seconds))
            for seconds in (OUT / 3, OUT + LIMIT + 1)
        ]
        await _running(place.url, len(across))
        before = len(site.lines)
        with way(place):
            began = time.monotonic()
            await answers.more(refused=REFUSALS)
            pages = [await administrator.sees(path) for path in ("/", "/admin/", "/admin/authz_app/rule/")]
            pages.append(await administrator.adds_a_rule())
            assert await administrator.is_let_in_without() == 200
            assert (await stream.request("ping", request_id="during"))["result"] == {}
            assert (await across[0]).words == DONE
            stranger = await ask(http, site, f"stranger-{name}")
            await asyncio.sleep(max(began + OUT - time.monotonic(), 0.0))
        back = time.monotonic()
        await answers.more(done=20)
        served_again = time.monotonic() - back
        assert (await stream.request("ping", request_id="after"))["result"] == {}
        assert [(await one).words for one in across] == [DONE, DONE]
        assert await administrator.sees("/admin/") == 200
    await _written(place.url)
    await asyncio.to_thread(site.wait_for_line, "Call records can be written again", SLACK)
    _assert_the_trace_tells(place.url, answers.refused[UNRECORDED] + (stranger.words == UNRECORDED))
    assert {outcome for (outcome,) in rows(place.url, _NAPS)} == {"ok"}
    runs = evidence.assert_every_run_has_one_record(place.url, marks)
    lines = [line for line in site.lines[before:] if _is_about_the_outage(line)]
    site.assert_no_traceback()
    assert set(answers.refused) <= TOLD
    assert stranger.words in {DONE, *TOLD}
    assert set(pages) <= {200, 302, 503}
    assert answers.slowest < LIMIT + SLACK, answers.slowest
    assert len(lines) <= LINES, lines
    print(
        f"{name}: {runs} runs, {answers.refused.total()} refusals, the slowest answer took {answers.slowest:.1f} s, a"
        f" stranger's {stranger.seconds:.1f} s; pages {pages}; served again {served_again:.1f} s after; outcomes"
        f" {dict(evidence.outcomes(place.url))}; {len(lines)} lines:"
    )
    print("\n".join([*lines, *(details for (details,) in rows(place.url, _TRACES))]))


def _assert_the_trace_tells(url: str, refused: int) -> None:
    traces = [json.loads(details) for (details,) in rows(url, _TRACES)]
    assert traces
    assert all(trace["cause"] and trace["from"] <= trace["until"] for trace in traces), traces
    assert sum(trace["calls_refused"] for trace in traces) == refused, traces
    assert not sum(trace["outcomes_lost"] for trace in traces), traces


def _is_about_the_outage(line: str) -> bool:
    return not any(words in line for words in (" access: ", ": Seal ", ": MCP session "))


async def _running(url: str, naps: int) -> None:
    """Wait until the tools that are to run across the outage have begun."""

    async def have_begun() -> bool:
        return len(await asyncio.to_thread(rows, url, _NAPS)) >= naps

    await eventually(have_begun, within=SLACK)


async def _written(url: str) -> None:
    """Wait until every call has an outcome."""
    await eventually(lambda: asyncio.to_thread(rows, url, _UNWRITTEN), equals=[(0,)], within=SLACK + HEARTBEAT)
