"""Promise 3: no record, no call. Counted by a tool that leaves its own marks, outside the database."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError

from tests.conftest import migrate, need
from tests.databases import connect, execute, rows, rule_for_everybody
from tests.eventually import eventually
from tests.postgresql import Cluster, binaries
from tests.site import Site

CLIENTS = 4
IN_FLIGHT = 4


class Load:
    """Clients that call ``mark`` over and over, each call with a text of its own, and keep what they were told."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._numbers = itertools.count()
        self._stop = asyncio.Event()
        self.told: Counter[str] = Counter()
        self.marked = 0

    async def __aenter__(self) -> "Load":
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(CLIENTS)]
        await self.reach(10)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*self._tasks)

    async def reach(self, more: int) -> None:
        """Wait until so many more calls have succeeded."""
        wanted = self.marked + more
        await eventually(lambda: self._goes_on() and self.marked >= wanted)

    async def refused(self, more: int) -> None:
        """Wait until so many more calls have been refused."""
        wanted = self.told.total() + more
        await eventually(lambda: self._goes_on() and self.told.total() >= wanted)

    def _goes_on(self) -> bool:
        """Raises what ended one of the clients."""
        for task in self._tasks:
            if task.done():
                task.result()
        return True

    async def _client(self, number: int) -> None:
        async with self._site.client(f"subject-{number}") as client:

            async def work() -> None:
                while not self._stop.is_set():
                    try:
                        await client.call_tool("mark", {"text": f"mark-{next(self._numbers)}"})
                        self.marked += 1
                    except MCPError as error:
                        self.told[error.error.message] += 1

            await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


def assert_every_mark_has_a_record(database_url: str, marks: Path) -> None:
    recorded = Counter(
        json.loads(arguments)["text"]
        for arguments, decision in rows(database_url, "SELECT arguments, decision FROM authz_app_callrecord")
        if decision == "allowed"
    )
    ran = Counter(marks.read_text().split())
    assert ran
    assert max(ran.values()) == 1
    assert not ran - recorded, "a tool ran without a record"


@contextmanager
def writes_refused(database_url: str) -> Iterator[None]:
    """Let the database refuse every new record."""
    if database_url.startswith("sqlite"):
        create = "CREATE TRIGGER refuse BEFORE INSERT ON authz_app_callrecord BEGIN SELECT RAISE(ABORT, 'refused'); END"
        drop = "DROP TRIGGER refuse"
    else:
        create = """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON authz_app_callrecord FOR EACH ROW EXECUTE FUNCTION refuse()"""
        drop = "DROP FUNCTION refuse CASCADE"
    execute(database_url, create)
    try:
        yield
    finally:
        execute(database_url, drop)


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    path = tmp_path / "marks"
    path.touch()
    return path


async def test_no_tool_runs_without_a_record_while_the_database_refuses_writes(
    fresh_database: str, start_site: Callable[..., Site], marks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKS", str(marks))
    site = start_site(fresh_database)
    rule_for_everybody(fresh_database, "*")
    async with Load(site) as load:
        with writes_refused(fresh_database):
            await load.refused(50)
        await load.reach(50)
    assert_every_mark_has_a_record(fresh_database, marks)
    assert set(load.told) == {"The call could not be recorded, so it was not run. Try again in a moment."}
    site.assert_no_traceback()


async def test_no_tool_runs_without_a_record_while_postgresql_is_stopped(
    start_site: Callable[..., Site], marks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("PostgreSQL's server programs", binaries() is not None)
    monkeypatch.setenv("MARKS", str(marks))
    with Cluster() as cluster:
        migrate(cluster.url)
        site = start_site(cluster.url)
        rule_for_everybody(cluster.url, "*")
        async with Load(site) as load:
            await asyncio.to_thread(cluster.stop)
            await load.refused(50)
            await asyncio.to_thread(cluster.start)
            await load.reach(50)
        assert_every_mark_has_a_record(cluster.url, marks)
        assert all("Try again in a moment." in told for told in load.told)
        site.assert_no_traceback()
        site.stop()


async def test_a_locked_sqlite_database_is_an_error_within_the_time_limit(
    fresh_sqlite: str, start_site: Callable[..., Site], marks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKS", str(marks))
    site = start_site(fresh_sqlite, AUDIT_TIMEOUT="0.5")
    rule_for_everybody(fresh_sqlite, "*")
    async with Load(site) as load:
        with connect(fresh_sqlite) as connection:
            connection.execute("BEGIN IMMEDIATE")
            await load.refused(30)
            connection.rollback()
        await load.reach(50)
    assert_every_mark_has_a_record(fresh_sqlite, marks)
    site.assert_no_traceback()
