"""The terminal's client at a site of this project, by both transports: the same words, and questions on the way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    TextContent,
)

from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.issuer import Issuer
from tests.site import Site
from tools_app.mcp_client.address import endpoint
from tools_app.mcp_client.connection import Connection, connect
from tools_app.mcp_client.credentials import BearerToken
from tools_app.mcp_client.errors import Refused

each_transport = pytest.mark.parametrize("path", ["/mcp", "/sse"])
NEEDED = "marks:write"


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site")), issuer) as running:
        for tools in ("greet", "summarize", "count_up"):
            rule_for_everybody(running.database_url, tools)
        rule_for_everybody(running.database_url, "mark", token_scopes=NEEDED)
        rule_for_everybody(running.database_url, "welcome", kind="resource")
        rule_for_everybody(running.database_url, "poem", kind="prompt")
        yield running
        running.assert_no_traceback()


class Dana:
    """Tells her name to whoever asks, and answers in place of a language model."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    async def answer(self, asked: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Dana"})

    async def sample(self, asked: CreateMessageRequestParams) -> CreateMessageResult | ErrorData:
        content = TextContent(type="text", text=f"{len(asked.messages)} message")
        return CreateMessageResult(role="assistant", content=content, model="Dana")

    def hear_log(self, level: str, text: str) -> None:
        self.heard.append(text)

    def hear_progress(self, progress: float, total: float | None, message: str | None) -> None:
        self.heard.append(progress)


async def called(site: Site, path: str, tool: str, person: Dana, **arguments: Any) -> str:
    async with connect(endpoint(site.url + path), BearerToken(site.token()), person, 30) as connection:
        return await text_of(connection, tool, **arguments)


async def text_of(connection: Connection, tool: str, **arguments: Any) -> str:
    block = (await connection.call(tool, arguments)).content[0]
    assert isinstance(block, TextContent)
    return block.text


@each_transport
async def test_a_question_is_answered_and_the_call_goes_on(site: Site, path: str) -> None:
    assert await called(site, path, "greet", Dana()) == "Hello Dana!"
    spoken = {"/mcp": ("streamable", "2026-07-28"), "/sse": ("sse", "2025-11-25")}
    assert spoken[path] in rows(site.database_url, "SELECT transport, protocol_version FROM authz_app_callrecord")


@each_transport
async def test_a_question_for_a_language_model_is_answered(site: Site, path: str) -> None:
    assert await called(site, path, "summarize", Dana(), text="much") == "1 message"


@each_transport
async def test_progress_and_logs_are_heard(site: Site, path: str) -> None:
    dana = Dana()
    await called(site, path, "count_up", dana, to=2)
    assert dana.heard == [1, "counted 1", 2, "counted 2"]


@each_transport
async def test_resources_and_prompts_are_listed_and_used_as_the_rules_have_it(site: Site, path: str) -> None:
    async with connect(endpoint(site.url + path), BearerToken(site.token()), Dana(), 30) as connection:
        assert [resource.name for resource in await connection.resources()] == ["welcome"]
        assert (await connection.read("notes://welcome")).contents
        assert [prompt.name for prompt in await connection.prompts()] == ["poem"]
        with pytest.raises(Refused, match=r"No resource 'notes://hidden' is available to you\. Record "):
            await connection.read("notes://hidden")
        with pytest.raises(Refused, match=r"No prompt 'nothing' is available to you\. Record "):
            await connection.prompt("nothing", {})


@each_transport
async def test_a_token_that_lacks_a_scope_is_explained(site: Site, path: str) -> None:
    with pytest.raises(Refused) as refused:
        await called(site, path, "mark", Dana(), text="x")
    said = str(refused.value)
    assert f"Your access token lacks the token scope '{NEEDED}' for the tool 'mark'." in said
    assert ("With --login, over Streamable HTTP, this client asks for marks:write by itself." in said) == (
        path == "/mcp"
    )
