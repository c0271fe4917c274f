"""The same call over HTTP+SSE and over both eras of Streamable HTTP: decided, recorded and answered alike."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference

from tests.conftest import copy_sqlite
from tests.databases import connect, rows, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.site import Site
from tools_app.wire.jsonrpc import INVALID_PARAMS, RESOURCE_NOT_FOUND

WAIT = 20.0
# How each way of connecting shows in a record: the transport, the protocol version, and whether there is a session.
WAYS = [("sse", "2025-11-25", True), ("streamable", "2025-11-25", True), ("streamable", "2026-07-28", False)]
# What two records of the same call need not share.
_OWN = {"id", "at", "deadline", "duration_ms", "worker", "mcp_session", "transport", "protocol_version"}
_RECORD_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("same-call"))
    with Site(database_url, issuer, CONTACT="ops@example.com") as running:
        for name in ("echo", "whoami", "fail", "slow_async"):
            rule_for_everybody(database_url, name)
        rule_for_everybody(database_url, "nap")
        rule_for_everybody(database_url, "nap", effect="deny")
        rule_for_everybody(database_url, "large", token_scopes="admin")
        rule_for_everybody(database_url, "note", kind="resource")
        rule_for_everybody(database_url, "poem", kind="prompt")
        yield running
        running.assert_no_traceback()


def connection(site: Site, token: str, transport: str, version: str) -> AbstractAsyncContextManager[Client]:
    mode = version if version == "2026-07-28" else "legacy"
    if transport == "sse":
        return site.client(token=token, mode=mode)
    return site.streamable_client(token=token, mode=mode)


async def answer(client: Client, kind: str, name: str, arguments: dict[str, Any]) -> tuple[Any, ...]:
    """What the caller is told, but for the record's id."""
    try:
        match kind:
            case "tool":
                result = await client.call_tool(name, arguments)
                return bool(result.is_error), _RECORD_ID.sub("ID", result.content[0].text)
            case "resource":
                return (await client.read_resource(arguments["uri"])).contents[0].text
            case "prompt":
                return (await client.get_prompt(name, arguments)).messages[0].content.text
        completed = await client.complete(PromptReference(name=name), {"name": "style", "value": "s"})
        return tuple(completed.completion.values)
    except MCPError as error:
        # A resource that is not there has a code of its own in the handshake era.
        code = INVALID_PARAMS if error.error.code == RESOURCE_NOT_FOUND else error.error.code
        return code, _RECORD_ID.sub("ID", error.error.message)


def records(site: Site, subject: str) -> list[dict[str, Any]]:
    """The records of a subject, oldest first."""
    with connect(site.database_url) as database:
        found = database.execute("SELECT * FROM authz_app_callrecord WHERE subject = ? ORDER BY id", [subject])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize(
    ("kind", "name", "arguments", "reason", "outcome"),
    [
        ("tool", "echo", {"text": "hello"}, "allowed", "ok"),
        ("tool", "whoami", {}, "allowed", "ok"),
        ("tool", "fail", {"text": "No such city."}, "allowed", "tool_error"),
        ("tool", "echo", {"texts": "hello", "password": "hunter2"}, "allowed", "tool_error"),
        ("tool", "slow_async", {}, "allowed", "timed_out"),
        ("tool", "nap", {"seconds": 0}, "deny_rule", ""),
        ("tool", "wait", {}, "no_rule", ""),
        ("tool", "no_such_tool", {"x": [1, {"y": None}]}, "unknown_tool", ""),
        ("tool", "large", {"size": 1}, "scope_missing", ""),
        ("resource", "note", {"uri": "notes://travel/2"}, "allowed", "ok"),
        ("resource", "hidden_note", {"uri": "notes://hidden"}, "no_rule", ""),
        ("resource", "notes:none", {"uri": "notes:none"}, "unknown_tool", ""),
        ("prompt", "poem", {"topic": "rain"}, "allowed", "ok"),
        ("prompt", "hidden_prompt", {"topic": "rain"}, "no_rule", ""),
        ("completion", "poem", {}, "allowed", "ok"),
    ],
)
async def test_a_call_is_decided_recorded_and_answered_alike(
    site: Site, kind: str, name: str, arguments: dict[str, Any], reason: str, outcome: str
) -> None:
    subject = f"{kind}-{name}-{len(arguments)}"
    token = site.token(subject)
    answers = []
    for transport, version, _ in WAYS:
        async with asyncio.timeout(WAIT), connection(site, token, transport, version) as client:
            answers.append(await answer(client, kind, name, arguments))
            await ended(site, subject, len(answers), outcome)
    assert answers[1:] == answers[:1] * (len(WAYS) - 1)
    found = records(site, subject)
    assert [(row["transport"], row["protocol_version"], bool(row["mcp_session"])) for row in found] == WAYS
    shared = [{column: value for column, value in row.items() if column not in _OWN} for row in found]
    assert shared[1:] == shared[:1] * (len(WAYS) - 1)
    assert [shared[0][column] for column in ("kind", "tool", "reason", "outcome")] == [kind, name, reason, outcome]


async def ended(site: Site, subject: str, count: int, outcome: str) -> None:
    """Wait until a subject has so many records, all with this outcome: it is written after the answer."""
    query = "SELECT outcome FROM authz_app_callrecord WHERE subject = ?"
    await eventually(lambda: rows(site.database_url, query, [subject]), equals=[(outcome,)] * count)
