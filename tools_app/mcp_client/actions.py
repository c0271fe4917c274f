"""Defines what the client does in an open session. Results go to ``out``, everything else to ``tell``."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import anyio
from pydantic import BaseModel

from tools_app.mcp_client.arguments import parse_arguments
from tools_app.mcp_client.connection import Connection
from tools_app.mcp_client.display import prompt_text, raw_json, resource_text, result_text
from tools_app.mcp_client.errors import Refused, Unusable
from tools_app.mcp_client.language_model import LanguageModel, ask

Write = Callable[[str], None]
Listed = TypeVar("Listed", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class PrintList(Generic[Listed]):
    """Print what the server lists of one kind for the caller: ``fetch`` asks for it, ``text`` words it."""

    kind: str
    fetch: Callable[[Connection], Awaitable[list[Listed]]]
    text: Callable[[Sequence[Listed]], str]
    as_json: bool

    async def run(self, connection: Connection, out: Write, tell: Write) -> None:
        listed = await self.fetch(connection)
        if self.as_json:
            out(raw_json(listed))
        elif listed:
            out(self.text(listed))
        else:
            tell(f"No {self.kind} is available to you. {connection.instructions}".strip())


@dataclass(frozen=True, slots=True)
class CallTool:
    """Call one tool with arguments written as ``key=value``."""

    name: str
    words: Sequence[str]
    as_json: bool

    async def run(self, connection: Connection, out: Write, tell: Write) -> None:
        listed = {tool.name: tool for tool in await connection.tools()}
        # A tool that is not listed is called all the same: the server's refusal says whom to ask, and is recorded.
        schema = listed[self.name].input_schema if self.name in listed else {"additionalProperties": True}
        result = await connection.call(self.name, parse_arguments(self.words, self.name, schema))
        if self.as_json:
            out(raw_json(result))
        elif not result.is_error:
            out(result_text(result))
        if result.is_error:
            raise Refused(result_text(result) or f"{self.name} failed and does not say why.")


@dataclass(frozen=True, slots=True)
class ReadResource:
    uri: str
    as_json: bool

    async def run(self, connection: Connection, out: Write, tell: Write) -> None:
        result = await connection.read(self.uri)
        out(raw_json(result) if self.as_json else resource_text(result.contents))


@dataclass(frozen=True, slots=True)
class UsePrompt:
    """Print the messages of a prompt, with arguments written as ``key=value``, which are text (MCP, Prompts)."""

    name: str
    words: Sequence[str]
    as_json: bool

    async def run(self, connection: Connection, out: Write, tell: Write) -> None:
        arguments = {}
        for word in self.words:
            key, separator, text = word.partition("=")
            if not separator or not key:
                raise Unusable(f"{word!r} is not key=value.")
            arguments[key] = text
        result = await connection.prompt(self.name, arguments)
        out(raw_json(result) if self.as_json else prompt_text(result.messages))


@dataclass(frozen=True, slots=True)
class AskModel:
    """Let a language model answer with the help of the tools: ``questions``, or the lines of standard input."""

    questions: Sequence[str]
    model: LanguageModel

    async def run(self, connection: Connection, out: Write, tell: Write) -> None:
        async for answer in ask(self._asked(tell), connection, self.model, out):
            out(answer)

    async def _asked(self, tell: Write) -> AsyncIterator[str]:
        for question in self.questions:
            yield question
        if self.questions:
            return
        if sys.stdin is not None and sys.stdin.isatty():
            tell("Ask one question a line. End with Ctrl-D.")
        while sys.stdin is not None and (line := await anyio.to_thread.run_sync(_line, abandon_on_cancel=True)):
            if line.strip():
                yield line.strip()


def _line() -> str:
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError:
        raise Unusable("Standard input holds a question that is not UTF-8.") from None


Action = PrintList[Any] | CallTool | ReadResource | UsePrompt | AskModel
