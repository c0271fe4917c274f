"""Gives a running tool what it may know of its call, and a way to talk to the caller meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, Unpack
from uuid import UUID

from mcp.server.elicitation import render_elicitation_schema
from mcp_types import CreateMessageResult, SamplingMessage
from pydantic import BaseModel, ValidationError

from authz_app import json_text
from authz_app.policy.principal import Principal
from authz_app.redaction.audit_level import DEFAULT_RECORDING, Recording
from tools_app.client_requests.multi_round_trip import MultiRoundTrip
from tools_app.client_requests.questions import Question, SamplingOptions, sampled_message, sampling_question
from tools_app.errors import ToolFailure

LogLevel = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
Form = TypeVar("Form", bound=BaseModel)
T = TypeVar("T")


class Channel(Protocol):
    """The way back to the caller while its request is answered. Not thread-safe: used on the event loop alone."""

    @property
    def round_trips(self) -> MultiRoundTrip | None:
        """The questions of this call, where each ends a run (2026-07-28); None where the client answers meanwhile."""

    def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Report progress, if the caller asked for it."""

    def log(self, level: LogLevel, data: Any) -> None:
        """Send a log message, if the caller wants that level."""

    async def ask(self, question: Question) -> Mapping[str, Any]:
        """Ask the caller's client, and return its result.

        Raises:
            ToolFailure: the client cannot be asked, or did not answer.
            InputRequired: its answer comes with another request.
        """


@dataclass(eq=False)
class Call:
    """Given to a function whose parameter is annotated with this type. Callers know nothing of the parameter.

    ``progress`` and ``log`` return at once and may be used in plain and in async functions alike. ``recording`` is how
    much of the call is recorded: what is not should stay out of the function's own logs, too.
    """

    principal: Principal
    record_id: UUID
    _channel: Channel
    _loop: asyncio.AbstractEventLoop
    cancelled: bool = False
    recording: Recording = DEFAULT_RECORDING

    @property
    def round_trips(self) -> MultiRoundTrip | None:
        """The questions of this call, where each ends a run. For the site; tools ask with ``elicit`` and ``sample``."""
        return self._channel.round_trips

    def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Tell the caller how far the work is; ``progress`` must grow from one report to the next.

        Raises:
            TypeError: it cannot be sent as JSON.
        """
        _check_is_json((progress, total, message))
        self._loop.call_soon_threadsafe(self._channel.progress, progress, total, message)

    def log(self, data: Any, level: LogLevel = "info") -> None:
        """Send the caller a log message: a string, or any JSON value.

        Raises:
            TypeError: it is none.
        """
        _check_is_json(data)
        self._loop.call_soon_threadsafe(self._channel.log, level, data)

    def elicit(self, message: str, answer: type[Form], name: str = "") -> Form | None:
        """Ask the person behind the caller and wait for the answer; for plain functions.

        Returns None if they decline. ``answer`` is a flat pydantic model that says what is asked for. ``name`` is what
        clients of 2026-07-28 know the question by; without it, it is known by its number.

        Raises:
            RuntimeError: called in an async function; use ``await call.aelicit(...)`` there.
        """
        return self._wait_for(lambda: self.aelicit(message, answer, name), "aelicit")

    async def aelicit(self, message: str, answer: type[Form], name: str = "") -> Form | None:
        """The same as ``elicit``, for async functions."""
        params = {"message": message, "requestedSchema": render_elicitation_schema(answer)}
        reply = await self._channel.ask(Question("elicitation/create", params, "elicitation", name))
        content = reply.get("content")
        if reply.get("action") != "accept" or not isinstance(content, dict):
            return None
        try:
            return answer.model_validate(content)
        except ValidationError as error:
            raise ToolFailure("The answer does not have the form that was asked for.") from error

    def sample(
        self, messages: str | Sequence[SamplingMessage], max_tokens: int = 1_000, **options: Unpack[SamplingOptions]
    ) -> CreateMessageResult:
        """Ask the model that the caller works with, by way of its client, and wait; for plain functions.

        Raises:
            ToolFailure: the client has no sampling, or did not answer with a message.
            RuntimeError: called in an async function; use ``await call.asample(...)`` there.
        """
        return self._wait_for(lambda: self.asample(messages, max_tokens, **options), "asample")

    async def asample(
        self, messages: str | Sequence[SamplingMessage], max_tokens: int = 1_000, **options: Unpack[SamplingOptions]
    ) -> CreateMessageResult:
        """The same as ``sample``, for async functions."""
        return sampled_message(await self._channel.ask(sampling_question(messages, max_tokens, options)))

    def _wait_for(self, ask: Callable[[], Coroutine[Any, Any, T]], instead: str) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(ask(), self._loop).result()
        raise RuntimeError(f"In an async tool, use: await call.{instead}(...).")


def _check_is_json(value: Any) -> None:
    """Raise here, in the function whose mistake it is: from the event loop it would go into the log, data and all."""
    json_text.dumps(value)
