"""A call that lacks nothing but token scopes: told what to ask for, in every way of connecting as it can bear it.

Covers: tools_app.transports.streamable.held_response
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.issuer import Issuer
from tests.raw_mcp import raw_mcp
from tests.raw_modern import call as modern_call, headers_for, post
from tests.raw_sse import call, raw_session
from tests.site import Site

WAYS = ["sse", "sse of 2026", "handshake", "modern"]
NEEDED = "sleep:long sleep:short"


class Told(NamedTuple):
    """A refusal: its HTTP status, its challenge, and its JSON-RPC error."""

    status: int
    challenge: str
    error: dict[str, Any]


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`nap` takes two token scopes, or three others; no scope helps to `large`."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with Site(database_url, issuer, CONTACT="ops@example.com") as running:
        rule_for_everybody(database_url, "nap", token_scopes=NEEDED)
        rule_for_everybody(database_url, "nap", token_scopes="admin superuser everything")
        rule_for_everybody(database_url, "large", token_scopes="large")
        rule_for_everybody(database_url, "large", effect="deny", token_scopes="large")
        yield running
        running.assert_no_traceback()


async def called(site: Site, way: str, tool: str, scope: str, **arguments: Any) -> Told | dict[str, Any]:
    """What a call is told by this way of connecting; or its result."""
    who = {"subject": "sleepy", "scope": scope}
    if way.startswith("sse"):
        message = modern_call(tool, arguments) if "2026" in way else call(tool, **arguments)
        async with raw_session(site, **who) as session:
            assert (await session.post(message)).status_code == 202
            answer = await session.message()
            return answer["result"] if "result" in answer else Told(202, "", answer["error"])
    if way == "handshake":
        async with raw_mcp(site, **who) as session_:
            response = await session_.send(body=call(tool, **arguments))
    else:
        response = post(site, modern_call(tool, arguments), site.headers(**who))
    answer = response.json()
    assert answer["id"] == 1
    if "result" in answer:
        return dict(answer["result"])
    return Told(response.status_code, response.headers.get("www-authenticate", ""), answer["error"])


@pytest.mark.parametrize("way", WAYS)
async def test_it_is_told_all_the_scopes_that_would_do_in_one_challenge(site: Site, way: str) -> None:
    told = await called(site, way, "nap", "sleep:short", seconds=0)
    assert isinstance(told, Told)
    message, data = told.error["message"], told.error["data"]
    assert "lacks the token scope 'sleep:long' or 'admin everything superuser' for the tool 'nap'" in message
    assert f"Ask the authorization server for a token with '{NEEDED}'." in message
    assert f"Record {data['record']}; ask ops@example.com." in message
    metadata = f"{site.public_url}/.well-known/oauth-protected-resource{'/sse' if way.startswith('sse') else '/mcp'}"
    assert data | {"record": ""} == {
        "error": "insufficient_scope",
        "scope": NEEDED,
        "resource_metadata": metadata,
        "record": "",
    }
    if way.startswith("sse"):
        assert told.status == 202  # Its clients break off for good at a 403.
        return
    assert told.status == 403
    assert told.challenge == (
        f'Bearer error="insufficient_scope", scope="{NEEDED}", error_description="{message}",'
        f' resource_metadata="{metadata}"'
    )


@pytest.mark.parametrize("way", WAYS)
async def test_what_the_challenge_names_is_enough(site: Site, way: str) -> None:
    result = await called(site, way, "nap", NEEDED, seconds=0)
    assert not isinstance(result, Told)
    assert result["content"][0]["text"] == "rested"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tool", ["large", "echo", "no_such_tool"])
async def test_no_scope_is_named_behind_a_denial_that_scopes_would_not_cure(site: Site, way: str, tool: str) -> None:
    told = await called(site, way, tool, "sleep:short", size=1)
    assert isinstance(told, Told)
    assert told.status != 403
    assert told.challenge == ""
    assert "scope" not in told.error["message"]
    assert told.error["data"].keys() == {"record"}


async def test_every_way_leaves_the_same_record(site: Site) -> None:
    records = []
    for way in WAYS:
        told = await called(site, way, "nap", "sleep:short", seconds=0)
        assert isinstance(told, Told)
        query = "SELECT tool, decision, reason, rules, token_scopes, outcome FROM authz_app_callrecord WHERE id = ?"
        records += rows(site.database_url, query, [re.sub("-", "", told.error["data"]["record"])])
    assert len(records) == len(WAYS)
    assert len(set(records)) == 1
    assert records[0][:3] == ("nap", "denied", "scope_missing")


def test_a_call_that_is_refused_is_answered_before_it_could_be_a_stream(site: Site) -> None:
    body = modern_call("nap", {"seconds": 0}, progressToken="p", logLevel="debug")
    assert headers_for(body)["Accept"] == "application/json, text/event-stream"
    response = post(site, body, site.headers("sleepy", scope="sleep:short"))
    assert (response.status_code, response.headers["content-type"]) == (403, "application/json")
