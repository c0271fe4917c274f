"""Promise 4, for all calls at once: stopped in the admin under load, and let go on, judged by the order of commits."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.databases import connect, rows, rule_for_everybody
from tests.issuer import Issuer
from tests.promises import judge
from tests.raw_sse import RawSession, call, raw_session
from tests.redis import RedisServer
from tests.site import Site, several_workers

WORKERS = 4
IN_FLIGHT = 2
ENOUGH = 40
WAIT = 60
TOOL = "echo_async"
PASSWORD = "a password of this test"
_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
Workers = list[Site]


@pytest.fixture
def workers(issuer: Issuer, redis: RedisServer, fresh_database: str) -> Iterator[Workers]:
    with several_workers(WORKERS, fresh_database, issuer, REDIS_URL=redis.url) as running:
        yield running
        for worker in running:
            worker.assert_no_traceback()


class Tally:
    """How many calls were answered with a result, and with a refusal; and whether there are to be more."""

    def __init__(self) -> None:
        self.allowed = self.denied = 0
        self.done = False
        self._moved = asyncio.Condition()

    async def count(self, answer: dict[str, Any]) -> None:
        async with self._moved:
            self.allowed += "result" in answer
            self.denied += "error" in answer
            self._moved.notify_all()

    async def more(self, kind: str) -> None:
        """Wait for enough further ones of a kind."""
        goal = getattr(self, kind) + ENOUGH
        async with asyncio.timeout(WAIT), self._moved:
            await self._moved.wait_for(lambda: getattr(self, kind) >= goal)


async def call_on(session: RawSession, workers: Workers, tally: Tally) -> None:
    """Keep some calls in flight, each through the next worker, wherever the stream is."""
    turn, numbers, waiting = itertools.cycle(workers), itertools.count(), set()
    while waiting or not tally.done:
        while len(waiting) < IN_FLIGHT and not tally.done:
            number = next(numbers)
            response = await session.post(call(TOOL, number, text="x"), to=next(turn))
            assert response.status_code == 202, response.text
            waiting.add(number)
        answer = await session.message()
        if answer.get("id") in waiting:
            waiting.discard(answer["id"])
            await tally.count(answer)


@asynccontextmanager
async def administrator(workers: Workers) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser that is signed in. The workers share the database, so it is at all of them."""
    first = workers[0]
    first.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    made = await asyncio.to_thread(
        first.manage, "createsuperuser", "--no-input", "--username", "root", "--email", "root@example.com"
    )
    assert made.returncode == 0, made.stderr
    async with httpx2.AsyncClient(timeout=WAIT) as http:
        login = f"{first.url}/admin/login/"
        assert (await posted(http, login, login, username="root", password=PASSWORD)).status_code == 302
        yield http


async def posted(http: httpx2.AsyncClient, form: str, url: str, **fields: str) -> httpx2.Response:
    """What a browser posts from a page that has a form."""
    found = _FORM_TOKEN.search((await http.get(form)).text)
    assert found is not None
    return await http.post(url, data={**fields, "csrfmiddlewaretoken": found[1]}, headers={"Referer": form})


async def press(http: httpx2.AsyncClient, at: Site, path: str, **fields: str) -> None:
    """A button on a page of the admin, at a worker: what it does has committed when this returns."""
    response = await posted(http, f"{at.url}/admin/", f"{at.url}{path}", **fields)
    assert response.status_code == 302, response.text


async def test_stopped_under_load_no_record_commits_as_allowed_and_undone_all_goes_on(workers: Workers) -> None:
    database_url = workers[0].database_url
    vendor = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    rule_for_everybody(database_url, "*")
    async with raw_session(workers[0], "racer"):
        pass
    [(rule, client)] = rows(database_url, "SELECT r.id, c.id FROM authz_app_rule r, authz_app_client c")
    question = judge.Question(rule, client, TOOL)
    with connect(database_url) as connection:
        cursor = connection.cursor()
        assert judge.has_commit_order(cursor, vendor), "Run this with track_commit_timestamp = on."
        judge.open_book(cursor, vendor, question)
        tally = Tally()
        async with AsyncExitStack() as stack, administrator(workers) as http:
            sessions = [await stack.enter_async_context(raw_session(worker, "racer")) for worker in workers]
            async with asyncio.timeout(4 * WAIT), asyncio.TaskGroup() as calls:
                for session in sessions:
                    calls.create_task(call_on(session, workers, tally))
                await tally.more("allowed")
                await press(http, workers[1], "/admin/stop/", why="Drill.")
                await tally.more("denied")
                await press(http, workers[2], "/admin/stop/undo/")
                await tally.more("allowed")
                tally.done = True
        violations = judge.violations(cursor, vendor, question)
        moved = "SELECT version, allowed FROM book WHERE version IS NOT NULL ORDER BY version"
        (stopped, first), (undone, second) = cursor.execute(moved).fetchall()
    assert violations == []
    assert (bool(first), bool(second)) == (False, True)
    recorded = rows(database_url, "SELECT decision, reason, count(*) FROM authz_app_callrecord GROUP BY 1, 2")
    counted = {(decision, reason): number for decision, reason, number in recorded}
    assert counted == {("allowed", "allowed"): tally.allowed, ("denied", "deny_rule"): tally.denied}
    decided = "SELECT DISTINCT decision FROM authz_app_callrecord WHERE policy_version >= {} AND policy_version < {}"
    assert rows(database_url, decided.format(stopped, undone)) == [("denied",)]
