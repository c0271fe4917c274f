"""Words what a tool asks of its caller's client, and reads what the client's model answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from mcp_types import CreateMessageRequestParams, CreateMessageResult, ModelPreferences, SamplingMessage, TextContent
from pydantic import ValidationError

from tools_app.errors import ToolFailure


@dataclass(frozen=True, slots=True)
class Question:
    """A request of the server to the client, and the capability that it takes.

    ``name`` tells it from the call's other questions where its answer comes with another request.
    """

    method: str
    params: Mapping[str, Any]
    capability: str
    name: str = ""


def can_answer(capabilities: Mapping[str, Any], question: Question) -> bool:
    declared = capabilities.get(question.capability)
    if not isinstance(declared, Mapping):
        return False
    # Without a mode it is forms (MCP, Elicitation, Capabilities); questions here are never answered at a URL.
    return question.capability != "elicitation" or not declared or "form" in declared


def cannot_be_asked(question: Question) -> str:
    """The message to a caller whose client lacks the capability."""
    return f"This tool has a question, and your MCP client cannot be asked (no {question.capability})."


class SamplingOptions(TypedDict, total=False):
    """What a tool may ask of the model (MCP, Client Features, Sampling). The client is free to do otherwise."""

    system_prompt: str
    temperature: float
    stop_sequences: list[str]
    model_preferences: ModelPreferences


def sampling_question(messages: str | Sequence[SamplingMessage], max_tokens: int, options: SamplingOptions) -> Question:
    """The request for a message of at most so many tokens that goes on from ``messages``; a text is the user's."""
    if isinstance(messages, str):
        messages = [SamplingMessage(role="user", content=TextContent(type="text", text=messages))]
    params = CreateMessageRequestParams(messages=list(messages), max_tokens=max_tokens, **options)
    sent = params.model_dump(by_alias=True, mode="json", exclude_none=True)
    return Question("sampling/createMessage", sent, "sampling")


def sampled_message(reply: Mapping[str, Any]) -> CreateMessageResult:
    """The model's message in a client's reply.

    Raises:
        ToolFailure: there is none.
    """
    try:
        return CreateMessageResult.model_validate(reply)
    except ValidationError as error:
        raise ToolFailure("What your MCP client answered is no message of a model.") from error
