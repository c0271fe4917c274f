"""What the handshake era of Streamable HTTP refuses by the policy: in HTTP's words too, and showing nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import copy_sqlite
from tests.databases import execute, rows, rule_for_everybody
from tests.issuer import Issuer
from tests.raw_mcp import raw_mcp
from tests.raw_sse import call, request
from tests.redis import RedisServer
from tests.round_robin import BalancedSite, balanced_site

HIDDEN, UNKNOWN = "weather_tool", "weather_lool"


@pytest.fixture(scope="module")
def site(
    issuer: Issuer, redis: RedisServer, nginx: None, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BalancedSite]:
    """Everybody may call `echo`, but the rest only with token scopes, or not at all."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with balanced_site(2, database_url, issuer, REDIS_URL=redis.url, CONTACT="ops@example.com") as running:
        rule_for_everybody(database_url, "echo")
        rule_for_everybody(database_url, "nap", token_scopes="sleep:long sleep:short")
        rule_for_everybody(database_url, "welcome", kind="resource", token_scopes="read")
        rule_for_everybody(database_url, "large", token_scopes="large")
        rule_for_everybody(database_url, "large", effect="deny", token_scopes="large")
        yield running
        for worker in running.workers:
            worker.assert_no_traceback()


def told(response: httpx2.Response) -> tuple[Any, ...]:
    """A whole response, but for the tool's name, the record's id and the time."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "R", response.text)
    for name in (HIDDEN, UNKNOWN):
        text = text.replace(name, "T")
    return response.status_code, text, [pair for pair in response.headers.multi_items() if pair[0] != "date"]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "application/json, text/event-stream"])
@pytest.mark.parametrize("arguments", [{}, {"location": "x"}, {"location": 5}, {"other": True}], ids=str)
async def test_a_hidden_tool_is_answered_as_an_unknown_one_to_the_last_header(
    site: BalancedSite, accept: str, arguments: dict[str, Any]
) -> None:
    async with raw_mcp(site) as session:
        hidden, unknown = [
            told(await session.send(body=call(tool, 7, **arguments), headers={"Accept": accept}))
            for tool in (HIDDEN, UNKNOWN)
        ]
        assert hidden == unknown
        assert hidden[0] == 200
        listed = {tool["name"] for tool in (await session.request("tools/list"))["result"]["tools"]}
        assert listed == {"echo"}


async def test_what_lacks_only_scopes_is_challenged_for_all_that_it_needs_and_the_session_goes_on(
    site: BalancedSite,
) -> None:
    async with raw_mcp(site, "sleepy", scope="sleep:short") as session:
        for _ in range(2):
            response = await session.send(body=call("nap", 7, seconds=0))
            assert response.status_code == 403
            challenge = response.headers["www-authenticate"]
            assert challenge.startswith('Bearer error="insufficient_scope", scope="sleep:long sleep:short", ')
            assert f'resource_metadata="{site.public_url}/.well-known/oauth-protected-resource/mcp"' in challenge
            answer = response.json()
            assert answer["id"] == 7
            assert answer["error"]["data"]["scope"] == "sleep:long sleep:short"
            assert "ask ops@example.com" in answer["error"]["message"]
        more: dict[str, str | None] = {**site.headers("sleepy", scope="sleep:long sleep:short")}
        response = await session.send(body=call("nap", 7, seconds=0), headers=more)
        assert response.json()["result"]["content"][0]["text"] == "rested"
        response = await session.send(body=request("resources/read", {"uri": "notes://welcome"}))
        assert 'scope="read"' in response.headers["www-authenticate"]
    query = "SELECT reason, transport, mcp_session <> '' FROM authz_app_callrecord WHERE subject = 'sleepy' ORDER BY at"
    assert rows(site.database_url, query) == [
        ("scope_missing", "streamable", 1), ("scope_missing", "streamable", 1),
        ("allowed", "streamable", 1), ("scope_missing", "streamable", 1),
    ]  # fmt: skip


async def test_a_client_that_takes_a_stream_alone_is_challenged_as_well(site: BalancedSite) -> None:
    async with raw_mcp(site, "streaming") as session:
        response = await session.send(body=call("nap", 7, seconds=0), headers={"Accept": "text/event-stream"})
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]


async def test_no_challenge_names_a_scope_that_would_not_help(site: BalancedSite) -> None:
    async with raw_mcp(site, "hopeless", scope="large") as session:
        response = await session.send(body=call("large", 7, size=1))
    assert (response.status_code, "www-authenticate" in response.headers) == (200, False)
    assert "No tool 'large' is available to you." in response.json()["error"]["message"]


async def test_a_client_that_is_blocked_in_mid_session_is_refused_on_its_very_next_call(site: BalancedSite) -> None:
    async with raw_mcp(site, "soon-blocked") as session:
        for _ in range(2):  # so that each worker has the old policy in memory
            await session.call("echo", text="x")
        execute(site.database_url, "UPDATE authz_app_client SET status = 'blocked' WHERE subject = 'soon-blocked'")
        response = await session.send(body=call("echo", 7, text="x"))
        assert response.status_code == 403, response.text
        answer = response.json()
        assert answer["id"] == 7
        assert answer["error"]["message"].startswith("Your client is blocked here. Record ")
        assert "www-authenticate" not in response.headers
        for _ in range(2):
            assert (await session.send(body=call("echo", 8, text="x"))).status_code == 403
    query = "SELECT reason FROM authz_app_callrecord WHERE subject = 'soon-blocked' ORDER BY at, id"
    assert [reason for (reason,) in rows(site.database_url, query)] == ["allowed"] * 2 + ["client_blocked"] * 3
