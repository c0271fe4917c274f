"""The SDK's own client in the handshake era, over HTTP+SSE and Streamable HTTP, on a real socket."""

import asyncio
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    ErrorData,
    LoggingMessageNotificationParams,
    TextContent,
    ToolListChangedNotification,
)

from tests.databases import rows
from tests.eventually import eventually
from tests.round_robin import AnySite, BalancedSite
from tests.tools_app.transports.conftest import ONE, SSE, STREAMABLE, TWO, OpenClient

pytestmark = [
    pytest.mark.parametrize("site", [ONE, TWO], indirect=True),
    pytest.mark.parametrize("way", [SSE, STREAMABLE]),
]
WAIT = 60.0


def text(result: Any) -> str:
    return str(result.content[0].text)


async def test_a_client_is_told_who_it_is_and_what_it_may_call(
    site: AnySite, open_client: OpenClient, way: str
) -> None:
    async with asyncio.timeout(WAIT), open_client("alice") as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert "alice" in str(client.instructions)
    assert "echo" in tools
    assert "weather_tool" not in tools


async def test_a_call_is_answered_and_recorded(site: AnySite, open_client: OpenClient, way: str) -> None:
    async with asyncio.timeout(WAIT), open_client("bob") as client:
        result = await client.call_tool("whoami", {})
    subject, record_id = text(result).split()
    assert subject == "bob"
    found = rows(
        site.environment["SITE_DATABASE_URL"],
        "SELECT tool, decision, reason, subject, transport, protocol_version, client_software, outcome"
        " FROM authz_app_callrecord WHERE id = ?",
        [record_id.replace("-", "")],
    )
    assert [row[:6] for row in found] == [("whoami", "allowed", "allowed", "bob", way, "2025-11-25")]
    assert found[0][6].startswith("mcp ")


async def test_progress_and_log_messages_travel_the_stream_before_the_result(
    site: AnySite, open_client: OpenClient, way: str
) -> None:
    seen: list[Any] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, total, message))

    async def log(params: LoggingMessageNotificationParams) -> None:
        seen.append(params.data)

    async with asyncio.timeout(WAIT), open_client(logging_callback=log) as client:
        result = await client.call_tool("count_up", {"to": 2}, progress_callback=progress)
    assert text(result) == "counted to 2"
    assert seen == [(1, 2, "at 1"), "counted 1", (2, 2, "at 2"), "counted 2"]


@pytest.mark.parametrize("tool", ["greet", "greet_in_thread"])
async def test_a_tool_may_ask_the_person(site: AnySite, open_client: OpenClient, way: str, tool: str) -> None:
    async def answer(context: Any, params: Any) -> ElicitResult:
        assert params.message == "What is your name?"
        return ElicitResult(action="accept", content={"name": "Ada"})

    async with asyncio.timeout(WAIT), open_client(elicitation_callback=answer) as client:
        assert text(await client.call_tool(tool, {})) == "Hello Ada!"


async def test_a_person_may_decline_to_answer(site: AnySite, open_client: OpenClient, way: str) -> None:
    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="decline")

    async with asyncio.timeout(WAIT), open_client(elicitation_callback=answer) as client:
        assert text(await client.call_tool("greet", {})) == "Nobody there."


@pytest.mark.parametrize("tool", ["summarize", "summarize_in_thread"])
async def test_a_tool_may_ask_the_caller_s_model(site: AnySite, open_client: OpenClient, way: str, tool: str) -> None:
    async def sample(context: Any, params: Any) -> CreateMessageResult:
        asked = (params.messages[0].content.text, params.max_tokens, params.system_prompt)
        assert asked == ("Summarize: War and Peace", 100, "Be brief.")
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Russia."), model="m")

    async with asyncio.timeout(WAIT), open_client(sampling_callback=sample) as client:
        assert text(await client.call_tool(tool, {"text": "War and Peace"})) == "Russia."


async def test_a_client_without_a_model_or_that_refuses_is_told_so(
    site: AnySite, open_client: OpenClient, way: str
) -> None:
    async def refuse(context: Any, params: Any) -> ErrorData:
        return ErrorData(code=-1, message="The person said no.")

    told = []
    for callback in (None, refuse):
        async with asyncio.timeout(WAIT), open_client(sampling_callback=callback) as client:
            result = await client.call_tool("summarize", {"text": "x"})
            assert result.is_error
            told.append(text(result))
    assert told == [
        "This tool has a question, and your MCP client cannot be asked (no sampling).",
        "The question of this tool was not answered.",
    ]


async def test_a_client_that_cannot_be_asked_is_told_so(site: AnySite, open_client: OpenClient, way: str) -> None:
    async with asyncio.timeout(WAIT), open_client() as client:
        result = await client.call_tool("greet", {})
    assert result.is_error
    assert "cannot be asked" in text(result)


@pytest.mark.parametrize("tool", ["wait", "wait_in_thread"])
async def test_a_cancelled_call_stops_and_is_recorded_as_cancelled(
    site: AnySite, open_client: OpenClient, way: str, tool: str
) -> None:
    subject = f"canceller-{tool}-{way}"
    async with asyncio.timeout(WAIT), open_client(subject) as client:
        running = asyncio.create_task(client.call_tool(tool, {}))
        await until(site, subject, "")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(site, subject, "cancelled")


async def until(site: AnySite, subject: str, outcome: str) -> None:
    """Wait until the subject's only record has this outcome."""
    query = "SELECT outcome FROM authz_app_callrecord WHERE subject = ?"
    await eventually(lambda: rows(site.environment["SITE_DATABASE_URL"], query, [subject]), equals=[(outcome,)])


@pytest.mark.parametrize(
    ("tool", "arguments", "outcome", "told"),
    [
        ("fail", {"text": "No such city."}, "tool_error", "No such city."),
        ("slow", {}, "timed_out", "took longer than 0.2 s"),
        ("slow_async", {}, "timed_out", "took longer than 0.2 s"),
        ("crash", {}, "crashed", "internal error, id "),
        ("echo", {"text": "x", "more": 1}, "tool_error", "more: there is no such argument (known: text)"),
        ("echo", {}, "tool_error", "text: Field required"),
        ("large", {"size": 900_000}, "tool_error", "can be sent: half of MAX_QUEUED_BYTES"),
    ],
)
async def test_every_failure_of_a_tool_is_told_and_recorded(
    site: AnySite, open_client: OpenClient, way: str, tool: str, arguments: dict[str, Any], outcome: str, told: str
) -> None:
    subject = f"{tool}-{len(arguments)}-{way}"
    async with asyncio.timeout(WAIT), open_client(subject) as client:
        result = await client.call_tool(tool, arguments)
        await until(site, subject, outcome)
    assert result.is_error
    assert told in text(result)


async def test_a_crash_shows_nothing_of_its_cause(site: AnySite, open_client: OpenClient, way: str) -> None:
    async with asyncio.timeout(WAIT), open_client() as client:
        result = await client.call_tool("crash", {})
    assert "hunter2" not in text(result)
    site.wait_for_line("Tool crash crashed, record")
    site.wait_for_line("RuntimeError")
    assert "hunter2" not in site.log


async def test_a_denied_and_an_unknown_tool_are_told_the_same(site: AnySite, open_client: OpenClient, way: str) -> None:
    async with asyncio.timeout(WAIT), open_client() as client:
        told = []
        for tool in ("weather_tool", "no_such_tool"):
            with pytest.raises(MCPError) as refusal:
                await client.call_tool(tool, {})
            record_id = refusal.value.error.data["record"]
            told.append(
                (refusal.value.error.code, refusal.value.error.message.replace(tool, "T").replace(record_id, "R"))
            )
    assert told[0] == told[1]
    assert told[0] == (-32602, "No tool 'T' is available to you. Record R; ask ops@example.com.")


async def test_a_tool_may_use_the_orm_in_its_thread(site: AnySite, open_client: OpenClient, way: str) -> None:
    async with asyncio.timeout(WAIT), open_client() as client:
        assert int(text(await client.call_tool("count_clients", {}))) >= 1


async def test_every_worker_of_a_site_answers_calls_of_one_session_and_asks_its_person(
    site: AnySite, open_client: OpenClient, way: str
) -> None:
    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada"})

    async with asyncio.timeout(WAIT), open_client(f"spread-{way}", elicitation_callback=answer) as client:
        # A call goes to one worker and the reply to the other; a message between turns that round.
        for tool in ("greet", "greet", "echo_async", "greet"):
            arguments = {"text": "Hello Ada!"} if tool == "echo_async" else {}
            assert text(await client.call_tool(tool, arguments)) == "Hello Ada!"
    found = rows(
        site.environment["SITE_DATABASE_URL"],
        "SELECT COUNT(*), COUNT(DISTINCT worker) FROM authz_app_callrecord WHERE subject = ? AND tool = 'greet'",
        [f"spread-{way}"],
    )
    assert found == [(3, 2 if isinstance(site, BalancedSite) else 1)]


async def test_a_client_hears_that_its_list_has_changed(site: AnySite, open_client: OpenClient, way: str) -> None:
    heard = asyncio.Event()

    async def note(message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            heard.set()

    subject = f"told-{way}"
    async with asyncio.timeout(2 * WAIT), open_client(subject, message_handler=note) as client:
        assert "echo" in {tool.name for tool in (await client.list_tools()).tools}
        assert site.issuer is not None
        who = ("--issuer", site.issuer.url, "--subject", subject)
        await asyncio.to_thread(site.manage, "add_rule", "--effect", "deny", *who, "--tool", "echo")
        await heard.wait()
        assert "echo" not in {tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools}
