"""What a tool may ask of its caller's client."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    """Whether a client with these capabilities can be asked this."""
    declared = capabilities.get(question.capability)
    if not isinstance(declared, Mapping):
        return False
    # Without a mode it is forms (MCP, Elicitation, Capabilities); questions here are never answered at a URL.
    return question.capability != "elicitation" or not declared or "form" in declared


def cannot_be_asked(question: Question) -> str:
    """What the caller is told whose client lacks the capability."""
    return f"This tool has a question, and your MCP client cannot be asked (no {question.capability})."
