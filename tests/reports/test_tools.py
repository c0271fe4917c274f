"""What a tool does stays within its own call, whatever that is."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.raw_mcp import RawMcp, raw_mcp
from tests.site import Site
from tests.wild_tools import LEFT_BEHIND, RAISED, SLOW, WHERE

# Far less than the time limit of the tools: who answers within it did not wait for that.
AT_ONCE = 30.0
THREADS = 4


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("odd"))
    rule_for_everybody(database, "*", kind="all")
    with Site(database, issuer, TEST_APPS="tests.wild_tools", TOOL_THREADS=str(THREADS), TOOL_TIME_LIMIT="120") as odd:
        yield odd


@pytest.fixture
async def mcp(site: Site) -> AsyncIterator[RawMcp]:
    async with raw_mcp(site) as session:
        yield session


async def answer(call: Any) -> Any:
    async with asyncio.timeout(AT_ONCE):
        return await call


def text(answered: Any) -> str:
    (block,) = answered["result"]["content"]
    return str(block["text"])


async def outcome(site: Site, answered: Any) -> str:
    """The outcome in the record that an answer to a crash names."""
    record = re.findall("(?:internal error, id|Record) ([0-9a-f-]{36})", str(answered))[0]
    query = "SELECT outcome FROM authz_app_callrecord WHERE id = ? AND outcome <> ''"
    ((found,),) = await eventually(lambda: rows(site.database_url, query, [record.replace("-", "")]))
    return str(found)


@pytest.mark.parametrize("tool", WHERE)
async def test_a_tool_that_parses_a_bad_option_does_not_end_the_worker(site: Site, mcp: RawMcp, tool: str) -> None:
    # A group of tasks takes the cancellation of one of them for no failure.
    for what in set(RAISED) - ({"cancelled"} if tool == "in_group" else set()):
        answered = await answer(mcp.call(tool, what=what))
        assert re.search("failed with an internal error, id |cannot be sent", text(answered)), (what, answered)
        assert await outcome(site, answered) == "crashed"
    assert text(await answer(mcp.call("echo", text="still here"))) == "still here"


@pytest.mark.parametrize("tool", LEFT_BEHIND)
async def test_what_a_tool_leaves_behind_does_not_end_the_worker(mcp: RawMcp, tool: str) -> None:
    for what in RAISED:
        assert text(await answer(mcp.call(tool, what=what))) == "left"
        assert text(await answer(mcp.call("echo", text="still here"))) == "still here"


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("resources/read", {"uri": "odd://plain/{}"}),
        ("resources/read", {"uri": "odd://async/{}"}),
        ("resources/read", {"uri": "odd://yielded/{}"}),
        ("prompts/get", {"name": "odd_prompt", "arguments": {"what": "{}"}}),
        ("prompts/get", {"name": "odd_async_prompt", "arguments": {"what": "{}"}}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "odd_prompt"}, "argument": {"name": "what"}}),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "odd_async_prompt"}, "argument": {"name": "what"}},
        ),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "odd_async_prompt"}, "argument": {"name": "other"}},
        ),
    ],
)
async def test_a_resource_prompt_or_completion_that_exits_does_not_end_the_worker(
    site: Site, mcp: RawMcp, method: str, params: dict[str, Any]
) -> None:
    for what in RAISED:
        asked = filled(params, what)
        if "argument" in asked:
            asked["argument"] = {**asked["argument"], "value": what}
        answered = await answer(mcp.request(method, asked))
        assert "failed with an internal error, id " in answered["error"]["message"], (what, answered)
        assert await outcome(site, answered) == "crashed"


def filled(value: Any, what: str) -> Any:
    if isinstance(value, dict):
        return {key: filled(item, what) for key, item in value.items()}
    return value.replace("{}", what)


@pytest.mark.parametrize("tool", SLOW)
async def test_a_result_that_takes_its_time_does_not_hold_up_others(site: Site, mcp: RawMcp, tool: str) -> None:
    await mcp.call("close_gate")
    slow = asyncio.create_task(mcp.call(tool, "slow", **({"value": "x"} if tool == "checks_slowly" else {})))
    async with raw_mcp(site, "bob") as other:
        query = "SELECT id FROM authz_app_callrecord WHERE tool = ? AND outcome = ''"
        await eventually(lambda: rows(site.database_url, query, [tool]))
        for _ in range(5):
            await answer(other.request("ping"))
            assert text(await answer(other.call("echo_async", text="quick"))) == "quick"
        assert not slow.done()
        await other.call("open_gate")
    answered = await answer(slow)
    assert "opened" in str(answered) or tool == "fails_slowly"


@pytest.mark.parametrize("tool", ["yields_too_long", "yields_without_waiting", "serializes_too_long"])
async def test_a_result_is_made_within_the_time_limit(mcp: RawMcp, tool: str) -> None:
    await mcp.call("close_gate")
    assert text(await answer(mcp.call(tool))) == f"{tool} took longer than 0.5 s and was given up."
    await mcp.call("open_gate")


async def test_a_tool_that_yields_without_end_is_told_so_when_it_is_too_much(mcp: RawMcp) -> None:
    answered = await answer(mcp.call("yields_without_end"))
    assert text(answered).startswith("The result is too large. At most ")


@pytest.mark.parametrize(
    "tool", ["plain_numbers", "async_numbers", "plain_iterator", "plain_generator", "async_iterator"]
)
async def test_what_a_function_yields_is_its_result(mcp: RawMcp, tool: str) -> None:
    answered = await answer(mcp.call(tool, count=3))
    assert [block["text"] for block in answered["result"]["content"]] == ["0", "1", "2"]
    if tool not in ("plain_numbers", "async_numbers"):
        assert answered["result"]["structuredContent"] == {"result": [0, 1, 2]}


async def test_a_tool_that_sleeps_does_not_hold_up_the_database_of_others(site: Site, mcp: RawMcp) -> None:
    await mcp.call("close_gate")
    slow = [asyncio.create_task(mcp.call("asks_slowly", number)) for number in range(THREADS - 1)]
    async with raw_mcp(site, "bob") as other:
        query = "SELECT id FROM authz_app_callrecord WHERE tool = 'asks_slowly' AND outcome = ''"
        await eventually(lambda: len(rows(site.database_url, query)) == THREADS - 1)
        for _ in range(5):
            assert int(text(await answer(other.call("count_async")))) > 0
        await other.call("open_gate")
    assert {text(await answer(one)) for one in slow} == {"opened"}


async def test_more_async_calls_than_threads_use_the_database_at_once(site: Site, mcp: RawMcp) -> None:
    await mcp.call("close_gate")
    waiting = [asyncio.create_task(mcp.call("count_and_wait", number)) for number in range(4 * THREADS)]
    query = "SELECT id FROM authz_app_callrecord WHERE tool = 'count_and_wait' AND outcome = ''"
    await eventually(lambda: len(rows(site.database_url, query)) == 4 * THREADS)
    assert int(text(await answer(mcp.call("count_async", "count")))) > 0
    names = [text(await answer(mcp.call("where", f"where {number}"))) for number in range(2 * THREADS)]
    assert len(set(names)) <= THREADS
    await mcp.call("open_gate", "open")
    for one in waiting:
        await answer(one)


async def test_what_is_lazy_is_read_for_the_answer(mcp: RawMcp) -> None:
    assert "alice" in str(await answer(mcp.call("lazy_clients")))
    assert "alice" in str(await answer(mcp.call("subjects")))


@pytest.mark.parametrize("tool", ["speak", "speak_async"])
async def test_a_language_and_a_time_zone_stay_within_their_call(mcp: RawMcp, tool: str) -> None:
    said = {text(await answer(mcp.call(tool, language=language))) for language in ("de", "fr", "ja", "de", "fr")}
    assert said == {"en UTC"}
