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

from tests.conftest import copy_sqlite
from tests.databases import connect, rows, rule_for_everybody
from tests.issuer import Issuer
from tests.site import Site

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
        yield running
        running.assert_no_traceback()


def connection(site: Site, token: str, transport: str, version: str) -> AbstractAsyncContextManager[Client]:
    mode = version if version == "2026-07-28" else "legacy"
    if transport == "sse":
        return site.client(token=token, mode=mode)
    return site.streamable_client(token=token, mode=mode)


async def answer(client: Client, tool: str, arguments: dict[str, Any]) -> tuple[Any, ...]:
    """What the caller is told, but for the record's id."""
    try:
        result = await client.call_tool(tool, arguments)
    except MCPError as error:
        return error.error.code, _RECORD_ID.sub("ID", error.error.message)
    return bool(result.is_error), _RECORD_ID.sub("ID", result.content[0].text)


def records(site: Site, subject: str) -> list[dict[str, Any]]:
    """The records of a subject, oldest first."""
    with connect(site.database_url) as database:
        found = database.execute("SELECT * FROM authz_app_callrecord WHERE subject = ? ORDER BY id", [subject])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize(
    ("tool", "arguments", "reason", "outcome"),
    [
        ("echo", {"text": "hello"}, "allowed", "ok"),
        ("whoami", {}, "allowed", "ok"),
        ("fail", {"text": "No such city."}, "allowed", "tool_error"),
        ("echo", {"texts": "hello", "password": "hunter2"}, "allowed", "tool_error"),
        ("slow_async", {}, "allowed", "timed_out"),
        ("nap", {"seconds": 0}, "deny_rule", ""),
        ("wait", {}, "no_rule", ""),
        ("no_such_tool", {"x": [1, {"y": None}]}, "unknown_tool", ""),
    ],
)
async def test_a_call_is_decided_recorded_and_answered_alike(
    site: Site, tool: str, arguments: dict[str, Any], reason: str, outcome: str
) -> None:
    subject = f"{tool}-{len(arguments)}"
    token = site.token(subject)
    answers = []
    for transport, version, _ in WAYS:
        async with asyncio.timeout(WAIT), connection(site, token, transport, version) as client:
            answers.append(await answer(client, tool, arguments))
            await ended(site, subject, len(answers), outcome)
    assert answers[1:] == answers[:1] * (len(WAYS) - 1)
    found = records(site, subject)
    assert [(row["transport"], row["protocol_version"], bool(row["mcp_session"])) for row in found] == WAYS
    shared = [{name: value for name, value in row.items() if name not in _OWN} for row in found]
    assert shared[1:] == shared[:1] * (len(WAYS) - 1)
    assert (shared[0]["reason"], shared[0]["outcome"]) == (reason, outcome)


async def ended(site: Site, subject: str, count: int, outcome: str) -> None:
    """Wait until a subject has so many records, all with this outcome: it is written after the answer."""
    query = "SELECT outcome FROM authz_app_callrecord WHERE subject = ?"
    while rows(site.database_url, query, [subject]) != [(outcome,)] * count:
        await asyncio.sleep(0.02)
