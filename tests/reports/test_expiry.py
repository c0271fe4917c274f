"""A session outlives the token that opened it: its client pauses, refreshes its token, and goes on."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import copy_sqlite
from tests.databases import execute, rows, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.raw_mcp import RawMcp, raw_mcp
from tests.raw_sse import call, raw_session, request
from tests.redis import RedisServer
from tests.round_robin import AnySite, balanced_site
from tests.site import Site

WAIT = 60.0
ONE, TWO = "one worker", "two workers"
SSE, STREAMABLE = "sse", "streamable"
EACH_WAY = pytest.mark.parametrize("way", [SSE, STREAMABLE])
NOTE = "notes://travel/1"
LIST_CHANGED, UPDATED = "notifications/tools/list_changed", "notifications/resources/updated"
_LEEWAY = 30
_GRACE = 4
_PING = {"jsonrpc": "2.0", "id": "ping", "method": "ping"}


def soon(seconds: float = 3) -> int:
    """The `exp` of a token that this site takes for so many seconds more."""
    return int(time.time()) - _LEEWAY + round(seconds)


def _serving(request: pytest.FixtureRequest, issuer: Issuer, database_url: str, **settings: str) -> Any:
    if request.param == ONE:
        return Site(database_url, issuer, **settings)
    request.getfixturevalue("nginx")
    redis: RedisServer = request.getfixturevalue("redis")
    return balanced_site(2, database_url, issuer, REDIS_URL=redis.url, **settings)


@pytest.fixture(scope="module", params=[ONE, TWO])
def site(
    request: pytest.FixtureRequest, issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AnySite]:
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    starting: AbstractContextManager[AnySite] = _serving(request, issuer, database_url)
    with starting as running:
        yield running
        assert "Traceback" not in running.log, running.log


@pytest.fixture(scope="module", params=[ONE, TWO])
def impatient_site(
    request: pytest.FixtureRequest, issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AnySite]:
    """A site whose sessions wait for a valid token for a few seconds only."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    rule_for_everybody(database_url, "*")
    settings = {"SESSION_GRACE_SECONDS": str(_GRACE)}
    starting: AbstractContextManager[AnySite] = _serving(request, issuer, database_url, **settings)
    with starting as running:
        yield running
        assert "Traceback" not in running.log, running.log


@pytest.fixture(autouse=True)
def _rules(request: pytest.FixtureRequest) -> None:
    """The same rules at the start of each test, whatever another one did."""
    if "site" in request.fixturenames:
        site: AnySite = request.getfixturevalue("site")
        execute(site.database_url, "DELETE FROM authz_app_rule")
        rule_for_everybody(site.database_url, "*")
        rule_for_everybody(site.database_url, "weather_tool", effect="deny")
        rule_for_everybody(site.database_url, "note", kind="resource")


class Heard:
    """Everything that a client hears on a stream, as it comes."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.closed = False

    def count(self, method: str) -> int:
        return sum(message.get("method") == method for message in self.messages)

    async def answer(self, request_id: int | str) -> dict[str, Any]:
        await eventually(lambda: any(message.get("id") == request_id for message in self.messages))
        return next(message for message in self.messages if message.get("id") == request_id)

    async def read(self, message: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        try:
            while True:
                self.messages.append(await message())
        except (StopAsyncIteration, httpx2.TransportError):
            self.closed = True


@asynccontextmanager
async def hearing(message: Callable[[], Awaitable[dict[str, Any]]]) -> AsyncIterator[Heard]:
    heard = Heard()
    reading = asyncio.ensure_future(heard.read(message))
    try:
        yield heard
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def refused_as_expired(send: Callable[[], Awaitable[httpx2.Response]]) -> None:
    """Send with the token of before until it is refused, as it must be for a client to refresh it."""

    async def status() -> int:
        response = await send()
        if response.status_code == 401:
            challenge = response.headers["www-authenticate"]
            assert 'error="invalid_token"' in challenge and "resource_metadata=" in challenge
        return response.status_code

    await eventually(status, equals=401)


def changes_the_list(site: AnySite, tool: str, effect: str = "deny") -> None:
    rule_for_everybody(site.database_url, tool, effect=effect)


# Going on


async def test_a_client_over_sse_that_paused_and_refreshed_goes_on_in_its_session(site: AnySite) -> None:
    async with raw_session(site, "paused", exp=soon()) as session:
        await refused_as_expired(lambda: session.post(_PING))
        await eventually(lambda: "is silent until its owner presents a valid token" in site.log)
        session.headers = site.headers("paused")
        for number in range(4):
            answer = await session.request("tools/call", {"name": "echo", "arguments": {"text": "on"}}, number)
            assert answer["result"]["content"][0]["text"] == "on"


async def test_a_client_over_streamable_http_that_paused_and_refreshed_goes_on_in_its_session(site: AnySite) -> None:
    async with raw_mcp(site, "paused-too", exp=soon()) as session:
        await refused_as_expired(lambda: session.send(body=_PING))
        session.headers |= site.headers("paused-too")
        for number in range(4):
            answer = await session.call("echo", number, text="on")
            assert answer["result"]["content"][0]["text"] == "on"


async def test_a_session_goes_on_through_many_short_tokens(site: AnySite) -> None:
    async with raw_session(site, "often", exp=soon(2)) as session, raw_mcp(site, "often", exp=soon(2)) as other:
        for number in range(3):
            await refused_as_expired(lambda: session.post(_PING))
            await refused_as_expired(lambda: other.send(body=_PING))
            session.headers = site.headers("often", exp=soon(3))
            other.headers |= session.headers
            assert (await session.request("tools/list", request_id=number))["result"]["tools"]
            assert (await other.request("tools/list", request_id=number))["result"]["tools"]


@EACH_WAY
async def test_to_everybody_else_a_silent_session_does_not_exist(site: AnySite, way: str) -> None:
    subject = f"owner-{way}"
    strangers = [site.headers("mallory"), site.headers(subject, azp="another-application")]
    async with httpx2.AsyncClient(timeout=WAIT) as http:
        if way == SSE:
            async with raw_session(site, subject, exp=soon()) as session:
                await refused_as_expired(lambda: session.post(_PING))
                for headers in strangers:
                    assert (await session.post(_PING, headers)).status_code == 404
                assert (await session.post(_PING, site.headers(subject))).status_code == 202
        else:
            mcp = await RawMcp(site, site.headers(subject, exp=soon()), http).initialize()
            await refused_as_expired(lambda: mcp.send(body=_PING))
            for headers in strangers:
                assert (await mcp.send(body=_PING, headers={**headers})).status_code == 404
            assert (await mcp.send(body=_PING, headers={**site.headers(subject)})).status_code == 200


# What is told


async def test_a_silent_stream_tells_nothing_new_and_tells_it_once_when_it_speaks_again(site: AnySite) -> None:
    async with raw_session(site, "hushed", exp=soon()) as session, raw_session(site, "awake") as awake:
        for one in (session, awake):
            await one.request("resources/subscribe", {"uri": NOTE})
        async with hearing(session.message) as hushed, hearing(awake.message) as others:
            await refused_as_expired(lambda: session.post(_PING))
            hushed.messages.clear()
            for number, tool in enumerate(("echo", "nap", "fail"), start=1):
                changes_the_list(site, tool)
                await eventually(lambda: others.count(LIST_CHANGED), equals=number)
                await awake.post(call("touch", f"touch-{number}", uri=NOTE))
                await eventually(lambda: others.count(UPDATED), equals=number)
            assert hushed.messages == []
            await session.post(request("tools/list", request_id="list"), site.headers("hushed"))
            listed = {tool["name"] for tool in (await hushed.answer("list"))["result"]["tools"]}
            assert not listed & {"echo", "nap", "fail"}
            await eventually(lambda: hushed.count(LIST_CHANGED) and hushed.count(UPDATED))
            changes_the_list(site, "crash")
            await eventually(lambda: hushed.count(LIST_CHANGED), equals=2)
            assert hushed.count(UPDATED) == 1


async def test_the_lists_that_a_stream_tells_of_are_those_of_the_latest_token(site: AnySite) -> None:
    rule_for_everybody(site.database_url, "nap", effect="deny")
    execute(site.database_url, "DELETE FROM authz_app_rule WHERE effect = 'allow' AND kind = 'tool'")
    rule_for_everybody(site.database_url, "whoami")
    rule_for_everybody(site.database_url, "echo", token_scopes="deploy")
    async with raw_session(site, "stepper", exp=soon(30)) as session, hearing(session.message) as heard:
        wider = site.headers("stepper", scope="read write deploy", exp=soon(1_000))
        await session.post(request("tools/list", request_id="wide"), wider)
        assert {tool["name"] for tool in (await heard.answer("wide"))["result"]["tools"]} == {"whoami", "echo"}
        await eventually(lambda: heard.count(LIST_CHANGED), equals=1)
        rule_for_everybody(site.database_url, "count_up", token_scopes="deploy")
        await eventually(lambda: heard.count(LIST_CHANGED), equals=2)
        await session.post(request("tools/list", request_id="narrow"), site.headers("stepper", exp=soon(2_000)))
        assert {tool["name"] for tool in (await heard.answer("narrow"))["result"]["tools"]} == {"whoami"}
        await eventually(lambda: heard.count(LIST_CHANGED), equals=3)


async def test_a_get_stream_closes_with_the_token_and_the_next_one_tells_once_what_has_changed(site: AnySite) -> None:
    async with raw_mcp(site, "listener", exp=soon()) as session:
        async with session.sent("GET") as listening:
            assert await listening.comment() == ": ping"
            await listening.ended()
        await refused_as_expired(lambda: session.send("GET"))
        changes_the_list(site, "echo")
        session.headers |= site.headers("listener")
        async with session.sent("GET") as listening:
            assert (await listening.next())["method"] == LIST_CHANGED
            changes_the_list(site, "nap")
            assert (await listening.next())["method"] == LIST_CHANGED


# What belongs to a request


@EACH_WAY
async def test_a_call_outlives_its_token_with_its_progress_its_log_and_its_question(site: AnySite, way: str) -> None:
    subject = f"long-{way}"
    counting = request(
        "tools/call",
        {"name": "count_up", "arguments": {"to": 6, "pause": 1}, "_meta": {"progressToken": "p"}},
        "count",
    )
    asking = call("greet_late", "greet", seconds=5)
    answer = {"action": "accept", "content": {"name": "Ada"}}
    capabilities = {"elicitation": {}}
    if way == SSE:
        async with (
            raw_session(site, subject, capabilities, exp=soon(4)) as session,
            hearing(session.message) as heard,
        ):
            assert [(await session.post(body)).status_code for body in (counting, asking)] == [202, 202]
            await refused_as_expired(lambda: session.post(_PING))
            before = len(heard.messages)
            await eventually(lambda: heard.count("elicitation/create"))
            question = next(message for message in heard.messages if message.get("method") == "elicitation/create")
            reply = {"jsonrpc": "2.0", "id": question["id"], "result": answer}
            assert (await session.post(reply)).status_code == 401
            assert (await session.post(reply, site.headers(subject))).status_code == 202
            assert (await heard.answer("greet"))["result"]["content"][0]["text"] == "Hello Ada!"
            assert (await heard.answer("count"))["result"]["content"][0]["text"] == "counted to 6"
            late = [message.get("method") for message in heard.messages[before:]]
            assert {"notifications/progress", "notifications/message", "elicitation/create"} <= {*late}
        return
    async with (
        raw_mcp(site, subject, capabilities, exp=soon(4)) as mcp,
        mcp.sent(body=counting) as counted,
        mcp.sent(body=asking) as asked,
    ):
        await refused_as_expired(lambda: mcp.send(body=_PING))
        question = await asked.next()
        while question["method"] != "elicitation/create":
            question = await asked.next()
        reply = {"jsonrpc": "2.0", "id": question["id"], "result": answer}
        assert (await mcp.send(body=reply)).status_code == 401
        assert (await mcp.send(body=reply, headers={**site.headers(subject)})).status_code == 202
        assert (await asked.next())["result"]["content"][0]["text"] == "Hello Ada!"
        said = [await counted.next()]
        while "method" in said[-1]:
            said.append(await counted.next())
        assert said[-1]["result"]["content"][0]["text"] == "counted to 6"
        assert sum(message.get("method") == "notifications/progress" for message in said) == 6


# The end


def closed(site: AnySite, subject: str) -> list[str]:
    query = "SELECT details FROM authz_app_auditevent WHERE kind = 'session_closed' AND subject = ?"
    return [json.loads(details)["why"] for (details,) in rows(site.database_url, query, [subject])]


async def test_a_session_that_is_without_a_valid_token_for_too_long_ends(impatient_site: AnySite) -> None:
    site = impatient_site
    async with raw_session(site, "gone", exp=soon()) as session, raw_mcp(site, "gone", exp=soon()) as mcp:
        await session.ended()
        await eventually(lambda: closed(site, "gone"), equals=["its owner presented no valid token any more"] * 2)
        later = site.headers("gone")
        assert (await session.post(_PING, later)).status_code == 404
        assert (await mcp.send(body=_PING, headers={**later})).status_code == 404


async def test_a_token_within_the_grace_keeps_the_session_whichever_worker_takes_it(impatient_site: AnySite) -> None:
    site = impatient_site
    async with raw_session(site, "kept", exp=soon(2)) as session, raw_mcp(site, "kept", exp=soon(2)) as mcp:
        for number in range(3):  # Longer than the first token and the grace together.
            await refused_as_expired(lambda: session.post(_PING))
            session.headers = site.headers("kept", exp=soon(3))
            mcp.headers |= session.headers
            assert (await session.request("ping", request_id=number))["result"] == {}
            assert (await mcp.request("ping", request_id=number))["result"] == {}
        assert closed(site, "kept") == []


@EACH_WAY
async def test_a_call_that_outlives_even_the_grace_is_answered(impatient_site: AnySite, way: str) -> None:
    site, subject = impatient_site, f"patient-{way}"
    body = call("nap", "nap", seconds=_GRACE + 7)
    if way == SSE:
        async with raw_session(site, subject, exp=soon()) as session, hearing(session.message) as heard:
            await session.post(body)
            await eventually(lambda: heard.closed)
            assert heard.messages[-1]["result"]["content"][0]["text"] == "rested"
    else:
        async with raw_mcp(site, subject, exp=soon()) as mcp, mcp.sent(body=body) as answered:
            assert (await answered.next())["result"]["content"][0]["text"] == "rested"
    await eventually(lambda: closed(site, subject), equals=["its owner presented no valid token any more"])


@EACH_WAY
async def test_a_silent_session_of_a_client_that_is_blocked_ends(site: AnySite, way: str) -> None:
    subject = f"blocked-{way}"
    block = "UPDATE authz_app_client SET status = 'blocked' WHERE subject = ?"
    if way == SSE:
        async with raw_session(site, subject, exp=soon()) as session:
            await refused_as_expired(lambda: session.post(_PING))
            execute(site.database_url, block, [subject])
            await session.ended()
    else:
        async with raw_mcp(site, subject, exp=soon()) as mcp:
            await refused_as_expired(lambda: mcp.send(body=_PING))
            execute(site.database_url, block, [subject])
    await eventually(lambda: closed(site, subject), equals=["its client is blocked"])
