"""Resources, prompts and completions as clients see them, in each way of connecting, on one worker and on two.

Covers: tools_app.protocol.handlers
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    BlobResourceContents,
    ElicitResult,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)

from tests.databases import execute, rows, rule_for_everybody
from tests.eventually import eventually
from tests.raw_modern import MODERN, WAIT
from tests.round_robin import AnySite
from tests.tools_app.transports.conftest import ONE, SSE, STREAMABLE, TWO

LEGACY = "2025-11-25"
WAYS = [(SSE, LEGACY), (STREAMABLE, LEGACY), (STREAMABLE, MODERN)]
pytestmark = [
    pytest.mark.parametrize("site", [ONE, TWO], indirect=True),
    pytest.mark.parametrize(("way", "version"), WAYS, ids=[" ".join(way) for way in WAYS]),
]
Open = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(autouse=True)
def _rules(site: AnySite) -> None:
    if not rows(site.database_url, "SELECT 1 FROM authz_app_rule WHERE kind <> 'tool'"):
        for kind, hidden in (("resource", "hidden_note"), ("prompt", "hidden_prompt")):
            rule_for_everybody(site.database_url, "*", kind=kind)
            rule_for_everybody(site.database_url, hidden, effect="deny", kind=kind)


@pytest.fixture
def open_client(site: AnySite, way: str, version: str) -> Open:
    if way == SSE:
        return site.client
    return partial(site.streamable_client, mode=MODERN if version == MODERN else "legacy")


async def refusal(asking: Any) -> tuple[int, str, Any]:
    with pytest.raises(MCPError) as caught:
        await asking
    error = caught.value.error
    return error.code, error.message, error.data


def without_record(told: tuple[int, str, Any], *names: str) -> tuple[int, str, Any]:
    """A refusal without what differs from one to the next by necessity."""
    code, text, data = told
    plain = text.replace(data["record"], "RECORD")
    for name in names:
        plain = plain.replace(name, "NAME")
    return code, plain, dict.fromkeys(data, "")


def recorded(site: AnySite, subject: str) -> list[tuple[Any, ...]]:
    query = "SELECT kind, tool, decision, reason FROM authz_app_callrecord WHERE subject = ? ORDER BY id"
    return rows(site.database_url, query, [subject])


async def test_what_may_be_used_is_listed_and_the_rest_is_not(site: AnySite, open_client: Open) -> None:
    async with asyncio.timeout(WAIT), open_client() as client:
        listed = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
        prompts = (await client.list_prompts()).prompts
    by_name = {one.name: one for one in listed}
    assert set(by_name) == {"welcome", "logo", "broken_note"}
    welcome = by_name["welcome"]
    assert (welcome.uri, welcome.title, welcome.mime_type) == ("notes://welcome", "Welcome", "text/markdown")
    assert {one.uri_template for one in templates} == {"notes://{topic}/{number}", "files://{+path}"}
    assert {one.name for one in prompts} == {"poem", "welcome_person"}
    arguments = next(one.arguments for one in prompts if one.name == "poem") or []
    assert [(one.name, one.required, one.description) for one in arguments] == [
        ("topic", True, "What it is about."),
        ("style", False, None),
    ]


async def test_a_server_that_has_them_says_so(site: AnySite, open_client: Open, way: str, version: str) -> None:
    asking = site.streamable_client(mode="auto") if version == MODERN else open_client()
    async with asyncio.timeout(WAIT), asking as client:
        capabilities = client.server_capabilities
    assert capabilities.completions is not None
    assert capabilities.resources is not None and capabilities.prompts is not None and capabilities.tools is not None
    if version == LEGACY:
        changes = (capabilities.resources, capabilities.prompts, capabilities.tools)
        assert all(one.list_changed for one in changes)
        assert capabilities.resources.subscribe


async def test_a_resource_is_read_and_recorded(site: AnySite, open_client: Open, way: str, version: str) -> None:
    subject = f"reads-{way}-{version}"
    async with asyncio.timeout(WAIT), open_client(subject) as client:
        (welcome,) = (await client.read_resource("notes://welcome")).contents
        (logo,) = (await client.read_resource("notes://logo")).contents
        (note,) = (await client.read_resource("notes://travel/7")).contents
    assert isinstance(welcome, TextResourceContents)
    assert (welcome.uri, welcome.mime_type, welcome.text) == ("notes://welcome", "text/markdown", "# Welcome")
    assert isinstance(logo, BlobResourceContents) and logo.blob == "iVBORw=="
    assert isinstance(note, TextResourceContents)
    assert json.loads(note.text) == {"topic": "travel", "number": 7, "for": subject}
    found = rows(
        site.database_url,
        "SELECT kind, tool, arguments, transport, protocol_version, outcome, result_size"
        " FROM authz_app_callrecord WHERE subject = ? ORDER BY id",
        [subject],
    )
    assert [row[:5] for row in found] == [
        ("resource", "welcome", '{"uri":"notes://welcome"}', way, version),
        ("resource", "logo", '{"uri":"notes://logo"}', way, version),
        ("resource", "note", '{"uri":"notes://travel/7"}', way, version),
    ]


async def test_a_hidden_and_an_unknown_resource_are_told_the_same(
    site: AnySite, open_client: Open, way: str, version: str
) -> None:
    subject = f"hidden-{way}-{version}"
    uris = ("notes://hidden", "notes://nothere")
    async with asyncio.timeout(WAIT), open_client(subject) as client:
        hidden, unknown = [await refusal(client.read_resource(uri)) for uri in uris]
    assert without_record(hidden, *uris) == without_record(unknown, *uris)
    assert hidden[0] == (-32602 if version == MODERN else -32002)
    assert hidden[1].startswith("No resource 'notes://hidden' is available to you. Record ")
    assert hidden[2]["uri"] == "notes://hidden"
    assert recorded(site, subject) == [
        ("resource", "hidden_note", "denied", "deny_rule"),
        ("resource", "notes://nothere", "denied", "unknown_tool"),
    ]


async def test_a_hidden_and_an_unknown_prompt_are_told_the_same(
    site: AnySite, open_client: Open, way: str, version: str
) -> None:
    subject = f"hidden-prompt-{way}-{version}"
    names = ("hidden_prompt", "no_such_prompt")
    async with asyncio.timeout(WAIT), open_client(subject) as client:
        hidden, unknown = [await refusal(client.get_prompt(name, {})) for name in names]
    assert without_record(hidden, *names) == without_record(unknown, *names)
    assert hidden[0] == -32602
    assert recorded(site, subject) == [
        ("prompt", "hidden_prompt", "denied", "deny_rule"),
        ("prompt", "no_such_prompt", "denied", "unknown_tool"),
    ]


async def test_completions_for_what_is_hidden_and_for_what_is_unknown_are_told_the_same(
    site: AnySite, open_client: Open, way: str, version: str
) -> None:
    subject = f"hidden-completion-{way}-{version}"
    pairs = [
        [PromptReference(name="hidden_prompt"), PromptReference(name="no_such_prompt")],
        [ResourceTemplateReference(uri="notes://hidden"), ResourceTemplateReference(uri="notes://nothere")],
    ]
    async with asyncio.timeout(WAIT), open_client(subject) as client:
        for pair in pairs:
            asked = [getattr(ref, "name", "") or getattr(ref, "uri", "") for ref in pair]
            hidden, unknown = [await refusal(client.complete(ref, {"name": "topic", "value": "t"})) for ref in pair]
            assert without_record(hidden, *asked) == without_record(unknown, *asked)
            assert hidden[0] == -32602
    assert [row[:1] + row[2:] for row in recorded(site, subject)] == [
        ("completion", "denied", "deny_rule"),
        ("completion", "denied", "unknown_tool"),
    ] * 2


async def test_what_fails_is_told_as_an_error_and_recorded(
    site: AnySite, open_client: Open, way: str, version: str
) -> None:
    subject = f"fails-{way}-{version}"
    async with asyncio.timeout(WAIT), open_client(subject) as client:
        missing = await refusal(client.read_resource("notes://travel/999"))
        no_number = await refusal(client.read_resource("notes://travel/x"))
        crashed = await refusal(client.read_resource("notes://broken"))
        no_topic = await refusal(client.get_prompt("poem", {"style": "silly"}))
    assert missing[:2] == (-32602 if version == MODERN else -32002, "There is no note 999 on travel.")
    assert no_number[0] == no_topic[0] == -32602
    assert "topic" in no_topic[1]
    assert crashed[0] == -32603
    assert "hunter2" not in str(crashed)
    query = "SELECT outcome FROM authz_app_callrecord WHERE subject = ? ORDER BY id"
    await eventually(lambda: ("",) not in rows(site.database_url, query, [subject]))
    outcomes = [outcome for (outcome,) in rows(site.database_url, query, [subject])]
    assert outcomes == ["tool_error", "tool_error", "crashed", "tool_error"]


@pytest.mark.parametrize("path", ["../etc/passwd", "%2E%2E/etc/passwd", "/etc/passwd", "a%00b"])
async def test_a_path_that_leads_out_is_one_that_is_not_there(
    site: AnySite, open_client: Open, way: str, version: str, path: str
) -> None:
    async with asyncio.timeout(WAIT), open_client() as client:
        (inside,) = (await client.read_resource("files://a/../b")).contents
        outside, unknown = [await refusal(client.read_resource(uri)) for uri in (f"files://{path}", "nothing://here")]
    assert isinstance(inside, TextResourceContents) and inside.text == "a/../b"
    assert outside[0] == unknown[0]


async def test_a_prompt_is_used_and_recorded(site: AnySite, open_client: Open, way: str, version: str) -> None:
    subject = f"uses-{way}-{version}"
    async with asyncio.timeout(WAIT), open_client(subject) as client:
        result = await client.get_prompt("poem", {"topic": "rain", "style": "[1]"})
    (message,) = result.messages
    assert isinstance(message.content, TextContent)
    assert (message.role, message.content.text) == ("user", "Write a [1] poem about rain.")
    found = rows(
        site.database_url, "SELECT kind, tool, arguments FROM authz_app_callrecord WHERE subject = ?", [subject]
    )
    assert found == [("prompt", "poem", '{"topic":"rain","style":"[1]"}')]


async def test_a_prompt_may_ask_the_person(site: AnySite, open_client: Open, way: str, version: str) -> None:
    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada"})

    async with asyncio.timeout(WAIT), open_client(elicitation_callback=answer) as client:
        messages = (await client.get_prompt("welcome_person")).messages
    said = [(one.role, one.content.text) for one in messages if isinstance(one.content, TextContent)]
    assert said == [("user", "I am Ada."), ("assistant", "Hello Ada!")]


async def test_arguments_are_completed_and_that_is_recorded(
    site: AnySite, open_client: Open, way: str, version: str
) -> None:
    subject = f"completes-{way}-{version}"
    poem, note = PromptReference(name="poem"), ResourceTemplateReference(uri="notes://{topic}/{number}")
    async with asyncio.timeout(WAIT), open_client(subject) as client:
        style = (await client.complete(poem, {"name": "style", "value": "S"})).completion
        topic = (await client.complete(poem, {"name": "topic", "value": "r"})).completion
        other = (await client.complete(poem, {"name": "no_such_argument", "value": ""})).completion
        travel = (await client.complete(note, {"name": "number", "value": ""}, {"topic": "travel"})).completion
        taxes = (await client.complete(note, {"name": "number", "value": ""}, {"topic": "taxes"})).completion
    assert (style.values, style.total, style.has_more) == (["solemn", "silly"], 2, False)
    assert topic.values == other.values == []
    assert travel.values == ["1", "2"]
    assert (len(taxes.values), taxes.total, taxes.has_more) == (100, 250, True)
    assert recorded(site, subject) == [
        ("completion", name, "allowed", "allowed") for name in ["poem"] * 3 + ["note"] * 2
    ]


async def test_a_rule_that_is_changed_holds_for_the_next_read(
    site: AnySite, open_client: Open, way: str, version: str
) -> None:
    async with asyncio.timeout(WAIT), open_client() as client:
        await client.read_resource("notes://logo")
        rule_for_everybody(site.database_url, "logo", effect="deny", kind="resource")
        try:
            await refusal(client.read_resource("notes://logo"))
            await client.read_resource("notes://welcome")
            assert "logo" not in {one.name for one in (await client.list_resources()).resources}
        finally:
            execute(site.database_url, "DELETE FROM authz_app_rule WHERE tools = 'logo'")
        await client.read_resource("notes://logo")
