"""What a tool asks of the model that its caller works with (MCP, Client Features, Sampling)."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from mcp_types import CreateMessageRequestParams, CreateMessageResult, ModelPreferences, SamplingMessage, TextContent
from pydantic import ValidationError

from tools_app.client_requests.questions import Question
from tools_app.errors import ToolFailure


class SamplingOptions(TypedDict, total=False):
    """What may be asked for besides. The client is free to do otherwise."""

    system_prompt: str
    temperature: float
    stop_sequences: list[str]
    model_preferences: ModelPreferences


def sampling_question(messages: str | Sequence[SamplingMessage], max_tokens: int, options: SamplingOptions) -> Question:
    """The request for a message of at most so many tokens that goes on from ``messages``; a text is the user's."""
    if isinstance(messages, str):
        messages = [SamplingMessage(role="user", content=TextContent(type="text", text=messages))]
    params = CreateMessageRequestParams(messages=list(messages), max_tokens=max_tokens, **options)
    told = params.model_dump(by_alias=True, mode="json", exclude_none=True)
    return Question("sampling/createMessage", told, "sampling")


def sampled(reply: Mapping[str, Any]) -> CreateMessageResult:
    """The message in a client's reply.

    Raises:
        ToolFailure: there is none.
    """
    try:
        return CreateMessageResult.model_validate(reply)
    except ValidationError as error:
        raise ToolFailure("What your MCP client answered is no message of a model.") from error
