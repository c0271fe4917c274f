"""Clients are told of the resources that they have subscribed to, and may read, in each way of connecting.

Covers: tools_app.resources
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import copy_sqlite
from tests.databases import execute, rows, rule_for_everybody
from tests.issuer import Issuer
from tests.raw_mcp import raw_mcp
from tests.raw_modern import MODERN, WAIT, events, message, streamed
from tests.raw_sse import raw_session
from tests.redis import RedisServer
from tests.round_robin import AnySite, balanced_site
from tests.site import Site
from tests.tools_app.transports.conftest import ONE, SSE, STREAMABLE, TWO

NOTE, OTHER, HIDDEN, NOT_THERE = "notes://travel/1", "notes://travel/2", "notes://hidden", "nothing://here"
EACH_WAY = pytest.mark.parametrize("way", [SSE, STREAMABLE, MODERN])
HANDSHAKE = pytest.mark.parametrize("way", [SSE, STREAMABLE])
# Waits for the next notification: its method, and the URI in it.
Next = Callable[[], Awaitable[tuple[str, str]]]
Ask = Callable[..., Awaitable[dict[str, Any]]]
UPDATED = "notifications/resources/updated"


@pytest.fixture(scope="module", params=[ONE, TWO])
def site(
    request: pytest.FixtureRequest, issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AnySite]:
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    starting: AbstractContextManager[AnySite] = Site(database_url, issuer)
    if request.param == TWO:
        request.getfixturevalue("nginx")
        redis: RedisServer = request.getfixturevalue("redis")
        starting = balanced_site(2, database_url, issuer, REDIS_URL=redis.url)
    with starting as running:
        yield running
        assert "Traceback" not in running.log, running.log


@pytest.fixture(autouse=True)
def _rules(site: AnySite) -> None:
    """The same rules at the start of each test, whatever another one did."""
    execute(site.database_url, "DELETE FROM authz_app_rule")
    rule_for_everybody(site.database_url, "echo touch")
    rule_for_everybody(site.database_url, "note", kind="resource")
    rule_for_everybody(site.database_url, "poem", kind="prompt")


def heard(message: dict[str, Any]) -> tuple[str, str]:
    return message["method"], message.get("params", {}).get("uri", "")


@asynccontextmanager
async def session(site: AnySite, way: str, subject: str = "alice") -> AsyncIterator[tuple[Ask, Next]]:
    """A session of the handshake era: how to send requests in it, and how to hear what it is told."""
    if way == SSE:
        async with raw_session(site, subject) as sse:

            async def next_on_stream() -> tuple[str, str]:
                return heard(await sse.message())

            yield sse.request, next_on_stream
    else:
        async with raw_mcp(site, subject) as streamable, streamable.sent("GET") as messages:
            await messages.comment()

            async def next_message() -> tuple[str, str]:
                return heard(await messages.next())

            yield streamable.request, next_message


@asynccontextmanager
async def hearing(site: AnySite, way: str, *uris: str, subject: str = "alice") -> AsyncIterator[Next]:
    """A client that hears of its lists, and has subscribed to these resources."""
    if way != MODERN:
        async with session(site, way, subject) as (ask, next_told):
            for uri in uris:
                assert "result" in await ask("resources/subscribe", {"uri": uri})
            yield next_told
        return
    asked: dict[str, Any] = {f"{kind}ListChanged": True for kind in ("tools", "resources", "prompts")}
    listen = message("subscriptions/listen", {"notifications": {**asked, "resourceSubscriptions": uris}})
    async with streamed(site, listen, subject) as response:
        told = events(response)

        async def next_event() -> tuple[str, str]:
            async with asyncio.timeout(WAIT):
                return heard(await anext(told))

        assert (await next_event())[0] == "notifications/subscriptions/acknowledged"
        yield next_event


async def touch(site: AnySite, *uris: str) -> None:
    """Say that these have changed, in a tool that runs in a thread, on some worker."""
    async with asyncio.timeout(WAIT), site.streamable_client("somebody", mode=MODERN) as client:
        for uri in uris:
            await client.call_tool("touch", {"uri": uri})


@EACH_WAY
async def test_who_subscribed_is_told_and_nobody_else(site: AnySite, way: str) -> None:
    async with hearing(site, way, NOTE) as hers, hearing(site, way, OTHER, subject="bob") as his:
        await touch(site, NOTE, OTHER)
        assert await hers() == (UPDATED, NOTE)
        assert await his() == (UPDATED, OTHER)
        await touch(site, OTHER)
        await touch(site, NOTE)
        assert await hers() == (UPDATED, NOTE)
        assert await his() == (UPDATED, OTHER)


@EACH_WAY
async def test_who_may_read_it_no_more_is_not_told(site: AnySite, way: str) -> None:
    rule_for_everybody(site.database_url, "welcome", kind="resource")
    async with hearing(site, way, NOTE, "notes://welcome") as told:
        rule_for_everybody(site.database_url, "welcome", effect="deny", kind="resource")
        assert await told() == ("notifications/resources/list_changed", "")
        await touch(site, "notes://welcome")
        await touch(site, NOTE)
        assert await told() == (UPDATED, NOTE)


@EACH_WAY
async def test_each_kind_s_list_is_told_of_if_and_only_if_it_changed(site: AnySite, way: str) -> None:
    async with hearing(site, way) as told:
        for kind, name in (("prompt", "welcome_person"), ("resource", "logo"), ("tool", "nap"), ("prompt", "poem")):
            effect = "deny" if name == "poem" else "allow"
            rule_for_everybody(site.database_url, name, effect=effect, kind=kind)
            assert await told() == (f"notifications/{kind}s/list_changed", "")


@EACH_WAY
async def test_a_rule_for_names_of_two_kinds_changes_one_list(site: AnySite, way: str) -> None:
    async with hearing(site, way) as told:
        rule_for_everybody(site.database_url, "*", kind="prompt")
        assert await told() == ("notifications/prompts/list_changed", "")
        rule_for_everybody(site.database_url, "*", kind="resource")
        assert await told() == ("notifications/resources/list_changed", "")


@HANDSHAKE
async def test_who_unsubscribed_is_not_told(site: AnySite, way: str) -> None:
    async with session(site, way) as (ask, told):
        for uri in (NOTE, OTHER):
            assert (await ask("resources/subscribe", {"uri": uri}))["result"] == {}
        assert (await ask("resources/unsubscribe", {"uri": NOTE}))["result"] == {}
        assert (await ask("resources/unsubscribe", {"uri": NOT_THERE}))["result"] == {}
        await touch(site, NOTE)
        await touch(site, OTHER)
        assert await told() == (UPDATED, OTHER)


@HANDSHAKE
async def test_only_what_may_be_read_can_be_subscribed_to_and_the_rest_is_told_the_same(
    site: AnySite, way: str
) -> None:
    async with session(site, way, f"curious-{way}") as (ask, _):
        hidden, unknown = [(await ask("resources/subscribe", {"uri": uri}))["error"] for uri in (HIDDEN, NOT_THERE)]
    for error, uri in ((hidden, HIDDEN), (unknown, NOT_THERE)):
        error["message"] = error["message"].replace(error["data"].pop("record"), "RECORD").replace(uri, "URI")
        assert error["data"].pop("uri") == uri
    assert hidden == unknown
    assert hidden["code"] == -32002
    query = "SELECT kind, tool, arguments, decision FROM authz_app_callrecord WHERE subject = ? ORDER BY id"
    assert rows(site.database_url, query, [f"curious-{way}"]) == [
        ("resource", "hidden_note", '{"uri":"notes://hidden","subscribe":true}', "denied"),
        ("resource", "nothing://here", '{"uri":"nothing://here","subscribe":true}', "denied"),
    ]


@HANDSHAKE
async def test_a_session_has_so_many_subscriptions_and_no_more(site: AnySite, way: str) -> None:
    async with session(site, way) as (ask, _):
        for number in range(100):
            assert "result" in await ask("resources/subscribe", {"uri": f"notes://travel/{number}"})
        assert "result" in await ask("resources/subscribe", {"uri": "notes://travel/7"})
        error = (await ask("resources/subscribe", {"uri": "notes://travel/100"}))["error"]
        assert "100 subscriptions" in error["message"]
        await ask("resources/unsubscribe", {"uri": "notes://travel/7"})
        assert "result" in await ask("resources/subscribe", {"uri": "notes://travel/100"})
        too_long = (await ask("resources/subscribe", {"uri": f"notes://travel/{'1' * 3_000}"}))["error"]
        assert "too many to subscribe to" in too_long["message"]


@pytest.mark.parametrize("site", [TWO], indirect=True)
@HANDSHAKE
async def test_a_process_that_serves_nobody_can_say_so_too(site: AnySite, way: str) -> None:
    async with session(site, way) as (ask, told):
        await ask("resources/subscribe", {"uri": NOTE})
        said = await asyncio.to_thread(
            site.manage, "shell", "--no-imports", "-c", f"from tools_app import resources; resources.updated({NOTE!r})"
        )
        assert (said.returncode, said.stderr) == (0, "")
        assert await told() == (UPDATED, NOTE)


@HANDSHAKE
async def test_what_was_taken_back_before_it_was_asked_for_is_refused(site: AnySite, way: str) -> None:
    async with session(site, way) as (ask, _):
        assert "result" in await ask("resources/subscribe", {"uri": NOTE})
        execute(site.database_url, "DELETE FROM authz_app_rule WHERE kind = 'resource'")
        assert "error" in await ask("resources/subscribe", {"uri": NOTE})
