"""For each level of recording a tool, a resource and a prompt that say again what they were given, in every way."""

from typing import Any

from tests.secret_tools import LEVELS
from tools_app.errors import ToolFailure
from tools_app.registry import prompt, resource, tool

HIDDEN = "note.hidden"


def keep(text: str = "", named: dict[str, Any] | None = None, note: dict[str, Any] | None = None, how: str = "") -> Any:
    """Say again what was given: as a result, as an error, or as exceptions that nobody foresaw."""
    given = {"text": text, "named": named or {}, "note": note or {}}
    if how == "fail":
        raise ToolFailure(f"Cannot keep {given}.")
    if how == "crash":
        try:
            raise ValueError(text, named)
        except ValueError as cause:
            raise RuntimeError(f"no place for {given}") from cause
    return given


def at(rest: str) -> dict[str, Any]:
    """Say again the part of the URI that was given."""
    return {"at": rest}


def about(text: str) -> str:
    """Say again what the text is about."""
    return f"Tell me about {text}."


for level in LEVELS:
    tool(name=f"keep_{level}", record=level, redact=[HIDDEN])(keep)
    resource(f"{level}://{{+rest}}", name=f"at_{level}", record=level, unchecked=["rest"])(at)
    prompt(name=f"about_{level}", record=level, complete={"text": lambda text: [text]})(about)
