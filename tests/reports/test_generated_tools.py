"""Two hundred generated tools on a real site: each is offered and works as its schemas say, or is refused in words."""

import asyncio
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp.client import Client
from mcp_types import CallToolResult, Tool

from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.eventually import eventually
from tests.generated_tools.signatures import MOST
from tests.generated_tools.values import Values
from tests.issuer import Issuer
from tests.site import Site

AT_ONCE = 8
CALLS_OF_EACH = 2
CRASHED = r"generated_\d+_(fails|strays)"


@pytest.fixture(scope="module")
def seed() -> int:
    """Another one in each run, as the order of the tests is, and the same where that is repeated."""
    return random.randrange(2**32)


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, seed: int) -> Iterator[Site]:
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with Site(database_url, issuer, TEST_APPS="tests.generated_tools", GENERATED_TOOLS=str(seed)) as site:
        rule_for_everybody(database_url, "*")
        yield site


async def test_generated_tools_are_called_as_their_schemas_say_or_refused_at_the_start_and_reach_nobody_else(
    site: Site, seed: int
) -> None:
    found: list[str] = []
    async with site.streamable_client("generator") as client, site.client("other") as other:
        listed = {one.name: one for one in (await client.list_tools()).tools if one.name.startswith("generated_")}
        refused = (await client.call_tool("refused_tools", {})).structured_content or {}
        found += [
            f"refused without its name or place: {said}" for name, said in refused.items() if not named(name, said)
        ]
        gate = asyncio.Semaphore(AT_ONCE)
        calls = [called(client, one, seed + at, gate) for one in listed.values() for at in range(CALLS_OF_EACH)]
        for said in await asyncio.gather(*calls):
            found += said
        assert (await other.call_tool("echo", {"text": "still here"})).structured_content == {"result": "still here"}
    assert found == [], f"seed {seed}: " + "\n".join(found[:20])
    assert len(listed) + len(refused) == MOST and len(refused) < MOST / 3
    open_calls = "SELECT tool FROM authz_app_callrecord WHERE outcome IN ('', 'unknown') AND kind = 'tool'"
    await eventually(lambda: rows(site.database_url, open_calls), equals=[])
    site.assert_no_traceback_but(*re.findall(CRASHED, site.log))


def named(name: str, said: str) -> bool:
    start = r"\S+:\d+: the tool '" + re.escape(name) + r"' cannot be offered\. \S.{10,}"
    return re.fullmatch(start, said) is not None and len(said) < 1_000


async def called(client: Client, listed: Tool, seed: int, gate: asyncio.Semaphore) -> list[str]:
    """What is wrong with a call whose arguments are valid by the tool's schema."""
    arguments = Values(listed.input_schema, random.Random(f"{seed} {listed.name}")).of(listed.input_schema)
    Draft202012Validator.check_schema(listed.input_schema)
    Draft202012Validator(listed.input_schema).validate(arguments)
    async with gate:
        try:
            answer = await client.call_tool(listed.name, arguments)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is to be told with the tool's name)
            return [f"{listed.name} {json.dumps(arguments)}: {error!r}"]
    return [f"{listed.name} {json.dumps(arguments)}: {wrong}" for wrong in faults(listed, answer)]


def faults(listed: Tool, answer: CallToolResult) -> Iterator[str]:
    text = " ".join(getattr(one, "text", "") for one in answer.content)
    if answer.is_error:
        if not listed.name.endswith(("fails", "strays")):
            yield f"an error: {text}"
    elif listed.name.endswith("fails"):
        yield f"no error: {text}"
    elif listed.output_schema is not None:
        yield from (
            f"a result that is not valid: {error.message}" for error in invalid(listed, answer.structured_content)
        )


def invalid(listed: Tool, value: Any) -> Iterator[Any]:
    assert listed.output_schema is not None
    Draft202012Validator.check_schema(listed.output_schema)
    return Draft202012Validator(listed.output_schema).iter_errors(value)
