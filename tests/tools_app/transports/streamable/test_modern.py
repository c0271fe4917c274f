"""Streamable HTTP as clients of the 2026-07-28 era see it: the SDK's, on real sockets, with one worker and with two.

Covers: tools_app.protocol.response_channel, tools_app.protocol.server, tools_app.protocol.exchange
"""

import asyncio
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CreateMessageResult, ElicitResult, LoggingMessageNotificationParams, TextContent

from tests.databases import rows
from tests.eventually import eventually
from tests.raw_modern import MODERN, WAIT
from tests.round_robin import AnySite
from tests.tools_app.transports.conftest import ONE, TWO

pytestmark = pytest.mark.parametrize("site", [ONE, TWO], indirect=True)


def text(result: Any) -> str:
    return str(result.content[0].text)


async def test_a_call_is_answered_and_recorded(site: AnySite) -> None:
    async with asyncio.timeout(WAIT), site.streamable_client("bob", mode=MODERN) as client:
        result = await client.call_tool("whoami", {})
    subject, record_id = text(result).split()
    assert subject == "bob"
    found = rows(
        site.environment["SITE_DATABASE_URL"],
        "SELECT tool, decision, reason, subject, transport, protocol_version, mcp_session, outcome"
        " FROM authz_app_callrecord WHERE id = ?",
        [record_id.replace("-", "")],
    )
    assert [row[:7] for row in found] == [("whoami", "allowed", "allowed", "bob", "streamable", MODERN, "")]


async def test_a_client_that_speaks_both_eras_chooses_this_one(site: AnySite) -> None:
    async with asyncio.timeout(WAIT), site.streamable_client("both") as client:
        assert text(await client.call_tool("echo", {"text": "hello"})) == "hello"
    query = "SELECT transport, protocol_version FROM authz_app_callrecord WHERE subject = 'both'"
    assert rows(site.environment["SITE_DATABASE_URL"], query) == [("streamable", MODERN)]


async def test_progress_and_log_messages_arrive_before_the_result(site: AnySite) -> None:
    seen: list[Any] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, total, message))

    async def log(params: LoggingMessageNotificationParams) -> None:
        seen.append(params.data)

    async with (
        asyncio.timeout(WAIT),
        site.streamable_client(mode=MODERN, logging_callback=log, log_level="info") as client,
    ):
        result = await client.call_tool("count_up", {"to": 2}, progress_callback=progress)
    assert text(result) == "counted to 2"
    assert seen == [(1, 2, "at 1"), "counted 1", (2, 2, "at 2"), "counted 2"]


async def test_no_log_message_is_sent_to_whoever_asked_for_none(site: AnySite) -> None:
    seen: list[Any] = []

    async def log(params: LoggingMessageNotificationParams) -> None:
        seen.append(params.data)

    async with (
        asyncio.timeout(WAIT),
        site.streamable_client(mode=MODERN, logging_callback=log, log_level="error") as client,
    ):
        assert text(await client.call_tool("count_up", {"to": 2})) == "counted to 2"
    assert seen == []


async def test_a_client_that_asks_what_is_spoken_here_is_told_of_this_era(site: AnySite) -> None:
    async with asyncio.timeout(WAIT), site.streamable_client("asks-first", mode="auto") as client:
        await client.call_tool("echo", {"text": "hello"})
    query = "SELECT protocol_version FROM authz_app_callrecord WHERE subject = 'asks-first'"
    assert rows(site.environment["SITE_DATABASE_URL"], query) == [(MODERN,)]


@pytest.mark.parametrize("tool", ["greet", "greet_in_thread"])
async def test_a_tool_asks_the_person_and_is_run_again_with_the_answer(site: AnySite, tool: str) -> None:
    async def answer(context: Any, params: Any) -> ElicitResult:
        assert params.message == "What is your name?"
        return ElicitResult(action="accept", content={"name": "Ada"})

    subject = f"asked-{tool}"
    async with (
        asyncio.timeout(WAIT),
        site.streamable_client(subject, mode=MODERN, elicitation_callback=answer) as client,
    ):
        assert text(await client.call_tool(tool, {})) == "Hello Ada!"
        await until(site, subject, ["input_required", "ok"])


async def test_every_question_of_a_tool_is_answered_once_and_in_order(site: AnySite) -> None:
    asked: list[str] = []

    async def answer(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"name": f"answer {len(asked)}"})

    async with (
        asyncio.timeout(WAIT),
        site.streamable_client("questions", mode=MODERN, elicitation_callback=answer) as client,
    ):
        result = await client.call_tool("interview", {"questions": ["one?", "two?", "three?"]})
        await until(site, "questions", ["input_required"] * 3 + ["ok"])
    assert asked == ["one?", "two?", "three?"]
    assert text(result) == "answer 1, answer 2, answer 3"


async def test_a_person_may_decline_to_answer(site: AnySite) -> None:
    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="decline")

    async with asyncio.timeout(WAIT), site.streamable_client(mode=MODERN, elicitation_callback=answer) as client:
        assert text(await client.call_tool("greet", {})) == "Nobody there."


async def test_a_client_that_cannot_be_asked_is_told_which_capability_it_lacks(site: AnySite) -> None:
    async with asyncio.timeout(WAIT), site.streamable_client("mute", mode=MODERN) as client:
        with pytest.raises(MCPError) as refusal:
            await client.call_tool("greet", {})
        await until(site, "mute", ["tool_error"])
    assert refusal.value.error.code == -32021
    assert refusal.value.error.data["requiredCapabilities"] == {"elicitation": {}}


@pytest.mark.parametrize("tool", ["wait", "wait_in_thread"])
async def test_a_call_is_cancelled_when_its_client_closes_the_response(site: AnySite, tool: str) -> None:
    subject = f"canceller-{tool}"
    async with asyncio.timeout(WAIT), site.streamable_client(subject, mode=MODERN) as client:
        running = asyncio.create_task(client.call_tool(tool, {}))
        await until(site, subject, [""])
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(site, subject, ["cancelled"])


async def until(site: AnySite, subject: str, outcomes: list[str]) -> None:
    """Wait until the subject's records have these outcomes."""
    query = "SELECT outcome FROM authz_app_callrecord WHERE subject = ? ORDER BY id"
    await eventually(
        lambda: rows(site.environment["SITE_DATABASE_URL"], query, [subject]),
        equals=[(outcome,) for outcome in outcomes],
    )


@pytest.mark.parametrize("tool", ["summarize", "summarize_in_thread"])
async def test_a_tool_may_ask_the_caller_s_model(site: AnySite, tool: str) -> None:
    async def sample(context: Any, params: Any) -> CreateMessageResult:
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Russia."), model="m")

    async with asyncio.timeout(WAIT), site.streamable_client(mode=MODERN, sampling_callback=sample) as client:
        assert text(await client.call_tool(tool, {"text": "War and Peace"})) == "Russia."
