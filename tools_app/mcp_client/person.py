"""Shows the person at the terminal what the server reports, and asks what the server asks."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import anyio
from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
    ErrorData,
    SamplingMessage,
    TextContent,
)

from tools_app.mcp_client.arguments import accepted_types, parse_value
from tools_app.mcp_client.errors import Unusable
from tools_app.mcp_client.terminal import one_line, safe

_LINE_BYTES = 65_536
_YES, _NO = frozenset({"y", "yes", "true", "1"}), frozenset({"n", "no", "false", "0"})
_PERSON = "a person at a terminal"
# Specification, "Sampling", error handling: -1 is for a user who rejected the request.
_NO_MODEL = ErrorData(code=-1, message="The user rejected the sampling request.")


class Person(Protocol):
    """Sits at this end of the session."""

    async def answer(self, request: ElicitRequestParams) -> ElicitResult:
        """Answer a question of the server (elicitation)."""

    async def sample(self, request: CreateMessageRequestParams) -> CreateMessageResult | ErrorData:
        """Answer in place of the language model that the server asks for (sampling)."""

    def hear_log(self, level: str, text: str) -> None:
        """Take note of a log message of the server."""

    def hear_progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Take note of how far a call has come."""


class _Declined(Exception):
    """The person ended the input (Ctrl-D)."""


class TerminalPerson:
    """Reads answers from the terminal ``stdin`` (a file descriptor), if any, and tells things by ``tell``."""

    def __init__(self, stdin: int | None, tell: Callable[[str], None]) -> None:
        self._stdin = stdin
        self._tell = tell
        self._turn = anyio.Lock()

    def hear_log(self, level: str, text: str) -> None:
        self._tell(f"[{one_line(level)}] {one_line(text, 2_000)}")

    def hear_progress(self, progress: float, total: float | None, message: str | None) -> None:
        of = f" of {total:g}" if total is not None else ""
        self._tell(f"[progress] {progress:g}{of}{': ' + one_line(message) if message else ''}")

    async def answer(self, request: ElicitRequestParams) -> ElicitResult:
        if self._stdin is None:
            self._tell(f"The server asks: {one_line(request.message)} Declined, because nobody is at a terminal.")
            return ElicitResult(action="decline")
        async with self._turn:
            self._tell(f"The server asks: {safe(request.message)}\n(Ctrl-D declines.)")
            try:
                return await self._accept(request, self._stdin)
            except _Declined:
                self._tell("Declined.")
                return ElicitResult(action="decline")

    async def sample(self, request: CreateMessageRequestParams) -> CreateMessageResult | ErrorData:
        """Show the request, and nothing else; the person answers in the language model's place."""
        shown = "\n".join(
            [*([f"[system] {request.system_prompt}"] if request.system_prompt else []), *_lines(request.messages)]
        )
        if self._stdin is None:
            self._tell(f"The server asks for a language model: {one_line(shown)} Declined, because there is none here.")
            return _NO_MODEL
        async with self._turn:
            self._tell(f"The server asks for a language model. In its place, answer this:\n{safe(shown)}")
            try:
                text = await self._ask("Your answer (Ctrl-D declines):", self._stdin)
            except _Declined:
                self._tell("Declined.")
                return _NO_MODEL
        content = TextContent(type="text", text=text)
        return CreateMessageResult(role="assistant", content=content, model=_PERSON, stop_reason="endTurn")

    async def _accept(self, request: ElicitRequestParams, stdin: int) -> ElicitResult:
        match request:
            case ElicitRequestURLParams(url=url):
                self._tell(f"Open this address in a browser:\n  {safe(url)}")
                await self._ask("Press Enter when it is done", stdin)
                return ElicitResult(action="accept")
            case ElicitRequestFormParams(requested_schema=schema):
                return ElicitResult(action="accept", content=await self._form(schema, stdin))

    async def _form(self, schema: Mapping[str, Any], stdin: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, part in schema.get("properties", {}).items():
            value = await self._field(name, part, name in schema.get("required", []), stdin)
            if value is not None:
                values[name] = value
        return values

    async def _field(self, name: str, part: Mapping[str, Any], required: bool, stdin: int) -> Any:
        while True:
            text = await self._ask(_prompt(name, part, required), stdin)
            if not text and ("default" in part or not required):
                return part.get("default")
            try:
                return _value(name, text, part)
            except Unusable as error:
                self._tell(str(error))

    async def _ask(self, prompt: str, stdin: int) -> str:
        self._tell(prompt)
        await anyio.wait_readable(stdin)
        # Not input(): a thread that waits for a line cannot be cancelled. A terminal gives one line at a time.
        try:
            line = os.read(stdin, _LINE_BYTES)
        except OSError:  # the terminal is gone
            line = b""
        if not line:
            raise _Declined
        return line.decode(errors="replace").strip()


def _lines(messages: Sequence[SamplingMessage]) -> Iterator[str]:
    for message in messages:
        for block in message.content_as_list:
            yield f"[{message.role}] {block.text if isinstance(block, TextContent) else f'({block.type})'}"


def _prompt(name: str, part: Mapping[str, Any], required: bool) -> str:
    label = one_line(str(part.get("title") or name))
    about = f" - {one_line(str(part['description']))}" if part.get("description") else ""
    choices = _choices(part)
    offered = f" [{one_line('/'.join(choices))}]" if choices else ""
    default = f" (Enter for {one_line(str(part['default']))})" if "default" in part else ""
    optional = "" if required or default else " (Enter to leave out)"
    return f"{label}{about}{offered}{default}{optional}:"


def _choices(part: Mapping[str, Any]) -> list[str]:
    if accepted_types(part, {}) == {"boolean"}:
        return ["y", "n"]
    source = part.get("items", part)
    titled = [option.get("const", "") for option in [*source.get("oneOf", []), *source.get("anyOf", [])]]
    return [str(choice) for choice in [*source.get("enum", []), *titled]]


def _value(name: str, text: str, part: Mapping[str, Any]) -> Any:
    """The typed text as the schema's type (specification, "Elicitation": primitive fields only)."""
    types = accepted_types(part, {})
    if "boolean" in types:
        if text.casefold() in _YES | _NO:
            return text.casefold() in _YES
        raise Unusable("Answer y or n.")
    typed = [word.strip() for word in text.split(",")] if "array" in types else [text]
    choices = _choices(part)
    if not text or (choices and not set(typed) <= set(choices)):
        raise Unusable(
            f"Give {'one or more' if 'array' in types else 'one'} of {', '.join(choices)}." if choices else "Needed."
        )
    return typed if "array" in types else parse_value(name, text, types)
