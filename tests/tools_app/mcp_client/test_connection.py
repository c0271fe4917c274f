"""A session with a real MCP server, and how it ends.

Covers: tools_app.mcp_client.address, tools_app.mcp_client.credentials, tools_app.mcp_client.http
"""

import math
import socket
import threading
from typing import Any

import anyio
import pytest
from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    TextContent,
)

from tools_app.mcp_client.address import Endpoint, endpoint
from tools_app.mcp_client.connection import Connection, connect
from tools_app.mcp_client.credentials import BearerToken
from tools_app.mcp_client.errors import Refused, Unusable

pytestmark = pytest.mark.filterwarnings("ignore:The logging capability is deprecated")
GOOD = BearerToken("good")


@pytest.fixture(params=["sse", "streamable"])
def server(peer_url: str, request: pytest.FixtureRequest) -> Endpoint:
    return endpoint(peer_url, request.param)


class Sure:
    """Says yes, and notes until when the server may be silent while a person thinks."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.deadlines: list[float] = []
        self.connection: Connection | None = None

    def note_the_deadline(self) -> None:
        if self.connection is not None:
            self.deadlines.append(deadline(self.connection))

    async def answer(self, asked: ElicitRequestParams) -> ElicitResult:
        self.note_the_deadline()
        return ElicitResult(action="accept", content={"sure": True})

    async def sample(self, asked: CreateMessageRequestParams) -> CreateMessageResult | ErrorData:
        self.note_the_deadline()
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Hello."), model="a friend")

    def hear_log(self, level: str, text: str) -> None:
        self.heard.append((level, text))

    def hear_progress(self, progress: float, total: float | None, message: str | None) -> None:
        self.heard.append((progress, total, message))
        self.note_the_deadline()


def deadline(connection: Connection) -> float:
    """When the session is given up unless the server says something first."""
    return connection._patience._scope.deadline


async def call(connection: Connection, tool: str, **arguments: Any) -> str:
    block = (await connection.call(tool, arguments)).content[0]
    assert isinstance(block, TextContent)
    return block.text


async def test_a_session_goes_on_after_a_refused_call(server):
    async with connect(server, GOOD, Sure(), 20) as connection:
        with pytest.raises(Refused, match="No tool 'weather_tool' is available to you."):
            await connection.call("weather_tool", {"location": "Oslo"})
        assert await call(connection, "add", first=1) == "2"
        assert connection.instructions == "You are known as Tester. Ask ops@example.com."


async def test_logs_and_progress_are_heard(server):
    person = Sure()
    async with connect(server, GOOD, person, 20) as connection:
        await call(connection, "reports")
    assert (1, 2, "half\x1b way") in person.heard
    assert ("info", "careful") in person.heard


async def test_a_person_may_think_longer_than_the_server_may_be_silent(server):
    person = Sure()
    async with connect(server, GOOD, person, 20) as connection:
        person.connection = connection
        assert await call(connection, "confirms") == "accept sure=True reason='none'"
        assert await call(connection, "asks_model") == "a friend: Hello."
    assert person.deadlines == [math.inf] * 2


async def test_the_server_may_be_silent_for_so_long_within_a_call_and_for_ever_between_calls(server):
    person = Sure()
    async with connect(server, GOOD, person, 20) as connection:
        assert deadline(connection) == math.inf
        person.connection = connection
        begun = anyio.current_time()
        await call(connection, "reports")
        assert deadline(connection) == math.inf
        assert person.deadlines and all(begun + 20 <= one <= anyio.current_time() + 20 for one in person.deadlines)
        assert await call(connection, "add", first=1) == "2"


async def test_a_call_that_hangs_is_given_up(server):
    with pytest.raises(Unusable, match="silent for 0.5 seconds"):
        async with connect(server, GOOD, Sure(), 0.5) as connection:
            await call(connection, "waits")


async def test_an_error_of_the_caller_passes_through_as_it_is(server):
    with pytest.raises(KeyError, match="mine"):
        async with connect(server, GOOD, Sure(), 20):
            raise KeyError("mine")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 34\r\n\r\n"
        b"event: endpoint\r\ndata: /messages\r\n\r\n",
        b"not http at all\r\n\r\n",
        b"",
    ],
    ids=["stream ends", "no http", "hangs up"],
)
async def test_a_server_that_breaks_off_is_a_sentence(answer):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            accepted, _ = listening.accept()
            with accepted:
                accepted.recv(65_536)
                accepted.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(Unusable) as caught:
            async with connect(Endpoint(f"http://127.0.0.1:{listening.getsockname()[1]}/sse", "sse"), GOOD, Sure(), 5):
                pass
        thread.join(10)
    assert len(str(caught.value)) > 20
