"""Promise 4 across processes: four workers race against changes of the policy, judged by the order of commits."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest

from tests.databases import connect, rows
from tests.issuer import Issuer
from tests.promises import judge
from tests.raw_sse import RawSession, call, raw_session
from tests.redis import RedisServer
from tests.site import Site, several_workers
from tools_app.wire.jsonrpc import INTERNAL_ERROR

WORKERS = 4
CALLS = 500
FLIPS = 30
IN_FLIGHT = 4
PAUSE = 0.03
TOOL = "echo_async"
_RULE = (
    "INSERT INTO authz_app_rule (effect, applies_to, token_scopes, tools, enabled, note, created_at, updated_at)"
    " VALUES ('{effect}', '{applies_to}', '', '*', true, '', now(), now()) RETURNING id"
)
Workers = list[Site]


@pytest.fixture
def workers(issuer: Issuer, redis: RedisServer, fresh_postgresql: str) -> Iterator[Workers]:
    with several_workers(WORKERS, fresh_postgresql, issuer, REDIS_URL=redis.url) as running:
        yield running
        for worker in running:
            worker.assert_no_traceback()


def flips(question: judge.Question) -> Sequence[tuple[str, str]]:
    """Ways to take the right away and to give it back. None ends the sessions, as blocking their client would."""
    rule, client = question.rule, question.client
    status = f"UPDATE authz_app_client SET status = '{{}}' WHERE id = {client}"
    enabled = f"UPDATE authz_app_rule SET enabled = {{}} WHERE id = {rule}"
    tools = f"UPDATE authz_app_rule SET tools = '{{}}' WHERE id = {rule}"
    tool = f"UPDATE tools_app_tool SET enabled = {{}} WHERE name = '{TOOL}'"
    link = f"INSERT INTO authz_app_ruleclient (rule_id, client_id) VALUES ({rule}, {client})"
    return [
        (status.format("pending"), status.format("active")),
        (enabled.format("false"), enabled.format("true")),
        (tools.format(""), tools.format("*")),
        (tool.format("false"), tool.format("true")),
        (f"DELETE FROM authz_app_ruleclient WHERE rule_id = {rule}", link),
        (_RULE.format(effect="deny", applies_to="every"), "DELETE FROM authz_app_rule WHERE effect = 'deny'"),
    ]


class Flipper(threading.Thread):
    """Changes the policy past Django, one way after the other, until told to stop."""

    def __init__(self, database_url: str, question: judge.Question) -> None:
        super().__init__()
        self._database_url = database_url
        self._flips = flips(question)
        self.done = threading.Event()
        self.flipped = 0

    def run(self) -> None:
        with connect(self._database_url) as connection:
            for take, give in itertools.cycle(self._flips):
                for change in (take, give):
                    connection.execute(change)
                    self.flipped += 1
                    if self.done.wait(PAUSE):
                        return


class Calls:
    """What remains to be called, and what came of the calls that were made."""

    def __init__(self, flipper: Flipper) -> None:
        self._flipper = flipper
        self.left = self._turns()
        self.called = 0
        self.allowed = self.denied = self.unrecorded = 0

    def _turns(self) -> Iterator[int]:
        """A number for each call: `CALLS`, and on a slow machine as many more as it takes for `FLIPS` changes."""
        while self.called < CALLS or self._flipper.flipped < FLIPS:
            self.called += 1
            yield self.called

    def count(self, answer: dict[str, Any]) -> None:
        if "result" in answer:
            self.allowed += 1
        elif answer["error"]["code"] == INTERNAL_ERROR:
            self.unrecorded += 1
        else:
            self.denied += 1


async def call_until_done(session: RawSession, workers: Workers, calls: Calls) -> None:
    """Keep some calls in flight, each through the next worker, wherever the stream is."""
    turn = itertools.cycle(workers)
    waiting: set[int] = set()
    for number in itertools.islice(calls.left, IN_FLIGHT):
        waiting.add(await posted(session, number, next(turn)))
    while waiting:
        answer = await session.message()
        if answer.get("id") in waiting:
            waiting.discard(answer["id"])
            calls.count(answer)
            for number in itertools.islice(calls.left, 1):
                waiting.add(await posted(session, number, next(turn)))


async def posted(session: RawSession, number: int, worker: Site) -> int:
    response = await session.post(call(TOOL, number, text="x"), to=worker)
    assert response.status_code == 202, response.text
    return number


async def race(workers: Workers, flip: Callable[[], Flipper]) -> tuple[Calls, Flipper]:
    """Calls in one session on each worker, against the changes of the policy."""
    flipper = flip()
    calls = Calls(flipper)
    async with AsyncExitStack() as streams:
        sessions = [await streams.enter_async_context(raw_session(worker, "racer")) for worker in workers]
        flipper.start()
        try:
            async with asyncio.timeout(90):
                await asyncio.gather(*(call_until_done(session, workers, calls) for session in sessions))
        finally:
            flipper.done.set()
            await asyncio.to_thread(flipper.join, 30)
    return calls, flipper


async def a_client(workers: Workers) -> int:
    """The client's row, which its first session makes."""
    async with raw_session(workers[0], "racer"):
        pass
    [(client,)] = rows(workers[0].database_url, "SELECT id FROM authz_app_client WHERE subject = 'racer'")
    return int(client)


async def test_no_worker_s_record_commits_under_a_policy_that_is_no_longer_committed(workers: Workers) -> None:
    database_url, client = workers[0].database_url, await a_client(workers)
    with psycopg.connect(database_url, autocommit=True) as connection, connection.cursor() as cursor:
        assert judge.has_commit_order(cursor, "postgresql"), "Run this with track_commit_timestamp = on."
        [(rule,)] = cursor.execute(_RULE.format(effect="allow", applies_to="these")).fetchall()
        cursor.execute(flips(judge.Question(rule, client, TOOL))[4][1])
        question = judge.Question(rule, client, TOOL)
        judge.open_book(cursor, "postgresql", question)
        calls, flipper = await race(workers, lambda: Flipper(database_url, question))
        violations = judge.violations(cursor, "postgresql", question)
    records = rows(
        database_url, "SELECT decision, count(*) FROM authz_app_callrecord WHERE tool = %s GROUP BY 1", [TOOL]
    )
    answered_by = rows(database_url, "SELECT count(DISTINCT worker) FROM authz_app_callrecord WHERE tool = %s", [TOOL])
    assert violations == []
    assert dict(records) == {"allowed": calls.allowed, "denied": calls.denied}
    assert min(calls.allowed, calls.denied) > CALLS / 20, "the race decided next to nothing"
    assert calls.allowed + calls.denied + calls.unrecorded == calls.called
    assert calls.unrecorded < calls.called / 10
    assert answered_by == [(WORKERS,)]
    assert flipper.flipped >= FLIPS
