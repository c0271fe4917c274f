"""Lets a language model choose tools, at any OpenAI-compatible endpoint. The API key is sent there and never shown."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import requests
from mcp_types import Tool

from authz_app import json_text
from authz_app.core.outbound import BoundedFetch, OutboundError, OutboundResponse
from tools_app.mcp_client.connection import Connection
from tools_app.mcp_client.display import call_line, result_text
from tools_app.mcp_client.errors import Refused, Unusable
from tools_app.mcp_client.terminal import one_line, safe

_OPENAI = "https://api.openai.com/v1"
_SECONDS = 120.0
_MAX_BYTES = 8_388_608
_MAX_ROUNDS = 8
# The names that the chat completions API takes for functions; MCP allows more.
_NOT_IN_FUNCTION_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_FUNCTION_NAME = 64


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Where a model is, and its name there."""

    base_url: str
    model: str
    api_key: str = field(repr=False)

    async def complete(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The model's next message.

        Raises:
            Unusable: the endpoint cannot be reached, refuses, or answers something else.
        """
        answer = await self._post({"model": self.model, "messages": messages, "tools": tools})
        try:
            parsed = json_text.loads(answer.body)
        except ValueError:
            parsed = None
        match parsed:
            case {"choices": [{"message": dict(message)}, *_]} if answer.status == 200:
                return message
            case {"error": {"message": str(text)}} | {"error": str(text)} | {"detail": str(text)}:
                explanation = f": {self._without_key(text)}"
            case _:
                explanation = " and nothing that a chat completions endpoint would say."
        raise Unusable(f"The language model at {self.base_url} answers with HTTP {answer.status}{explanation}")

    async def _post(self, body: Mapping[str, Any]) -> OutboundResponse:
        headers = {"Content-Type": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        url = f"{self.base_url}/chat/completions"
        exchange = BoundedFetch(_SECONDS, _MAX_BYTES)
        request = requests.Request("POST", url, data=json_text.dumps(body), headers=headers)
        reason = ""
        try:
            return await anyio.to_thread.run_sync(exchange.send, request, abandon_on_cancel=True)
        except OutboundError as error:
            reason = error.reason
        finally:
            exchange.abort()
        raise Unusable(
            {
                "timeout": f"The language model at {self.base_url} did not answer within {_SECONDS:g} seconds.",
                "too_large": f"The language model at {self.base_url} sent far too much.",
                "unreachable": f"The language model at {self.base_url} cannot be reached. Is OPENAI_BASE_URL right?",
                "untrusted": f"The certificate of the language model at {self.base_url} is not trusted. If its CA is"
                " your own, set REQUESTS_CA_BUNDLE to the CA's file.",
            }[reason]
        )

    def _without_key(self, text: str) -> str:
        return one_line(text.replace(self.api_key, "...") if self.api_key else text)


def language_model(environ: Mapping[str, str]) -> LanguageModel:
    """The model that ``environ`` names. Only OpenAI's own endpoint is known to need a key.

    Raises:
        Unusable: something is missing.
    """
    base_url = environ.get("OPENAI_BASE_URL", "").rstrip("/")
    api_key, model = environ.get("OPENAI_API_KEY", ""), environ.get("OPENAI_MODEL", "")
    missing = [
        name for name, absent in (("OPENAI_API_KEY", not (api_key or base_url)), ("OPENAI_MODEL", not model)) if absent
    ]
    if missing:
        raise Unusable(
            f"`ask` needs a language model: set {' and '.join(missing)} in the environment or .env, and OPENAI_BASE_URL"
            f" too if it is not at {_OPENAI}."
        )
    if not api_key.isascii() or not api_key.isprintable():
        raise Unusable("OPENAI_API_KEY has characters that no key has.")
    return LanguageModel(base_url or _OPENAI, model, api_key)


async def ask(
    questions: AsyncIterator[str], connection: Connection, model: LanguageModel, tell: Callable[[str], None]
) -> AsyncIterator[str]:
    """The model's answers to ``questions`` of one conversation. Each call that it chooses goes to ``tell``.

    Raises:
        ClientError: the server or the model failed, or the model found no answer.
    """
    names = _function_names(await connection.tools())
    functions = [_function(name, tool) for name, tool in names.items()]
    if not functions:
        raise Refused(safe(f"The server lists no tool for you to ask with. {connection.instructions}").strip())
    messages: list[dict[str, Any]] = []

    async def answer() -> str:
        for _ in range(_MAX_ROUNDS):
            message = await model.complete(messages, functions)
            chosen = list(_chosen(message, len(messages)))
            if not chosen:
                return _answer(message)
            calls = [call.as_sent() for call in chosen]
            messages.append({"role": "assistant", "content": message.get("content"), "tool_calls": calls})
            await run(chosen)
        raise Refused(f"The language model went on calling tools and gave no answer in {_MAX_ROUNDS} rounds.")

    async def run(chosen: Sequence[_Chosen]) -> None:
        for call in chosen:
            text = await _run(call, names, connection, tell)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": text})

    async for question in questions:
        messages.append({"role": "user", "content": question})
        text = await answer()
        messages.append({"role": "assistant", "content": text})
        yield text


@dataclass(frozen=True, slots=True)
class _Chosen:
    id: str
    function: str
    arguments: str

    def as_sent(self) -> dict[str, Any]:
        """The call as the chat completions API has it, whichever way the model wrote it."""
        return {"id": self.id, "type": "function", "function": {"name": self.function, "arguments": self.arguments}}


def _chosen(message: Mapping[str, Any], before: int) -> Iterator[_Chosen]:
    """The calls that a message chooses. One without an id gets one, which ``before`` makes the only one of its kind."""
    for number, call in enumerate(_calls(message)):
        match call:
            case {"function": {"name": str(name), **rest}} | {"name": str(name), **rest}:
                identifier = call.get("id") or f"call_{before}_{number}"
                yield _Chosen(str(identifier), name, _as_text(rest.get("arguments")))
            case _:
                raise Unusable("The language model chose a tool in a form that this client does not know.")


def _calls(message: Mapping[str, Any]) -> Sequence[Any]:
    # `function_call` is how the API had it before there were several.
    calls = message.get("tool_calls") or message.get("function_call") or []
    return calls if isinstance(calls, list) else [calls]


def _as_text(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments if arguments.strip() else "{}"
    return "{}" if arguments is None else json_text.dumps(arguments).decode()


def _answer(message: Mapping[str, Any]) -> str:
    text = _text(message.get("content"))
    if not text.strip():
        raise Refused("The language model gave no answer.")
    return safe(text)


def _text(content: Any) -> str:
    """The text of a message, which some models write in parts."""
    match content:
        case str():
            return content
        case list():
            return "".join(map(_text, content))
        case {"text": str(text)}:
            return text
    return ""


async def _run(call: _Chosen, names: Mapping[str, Tool], connection: Connection, tell: Callable[[str], None]) -> str:
    """Make the call, and word what came of it for the model: it may try otherwise after a refusal."""
    tool = names.get(call.function)
    if tool is None:
        return f"There is no tool {call.function!r}."
    try:
        arguments = json_text.loads(call.arguments)
        # Some models write null for nothing, and some write JSON twice.
        arguments = {} if arguments is None else arguments
        arguments = json_text.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        return "The arguments must be a JSON object."
    tell(call_line(tool.name, arguments))
    try:
        result = await connection.call(tool.name, arguments)
    except Refused as refusal:
        tell(str(refusal))
        return str(refusal)
    if result.is_error:
        tell(result_text(result))
    return result_text(result)


def _function_names(tools: Sequence[Tool]) -> dict[str, Tool]:
    names: dict[str, Tool] = {}
    for tool in tools:
        name = base = _NOT_IN_FUNCTION_NAMES.sub("_", tool.name)[:_LONGEST_FUNCTION_NAME]
        number = 2
        while name in names:
            suffix = f"_{number}"
            name = base[: _LONGEST_FUNCTION_NAME - len(suffix)] + suffix
            number += 1
        names[name] = tool
    return names


def _function(name: str, tool: Tool) -> dict[str, Any]:
    described = {"name": name, "description": tool.description or "", "parameters": tool.input_schema}
    return {"type": "function", "function": described}
