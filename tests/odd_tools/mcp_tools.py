"""Tools that tell what they were given, one for each type of parameter: ``take_NAME`` has the parameter NAME."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel

from tools_app.registry import tool


class Mood(StrEnum):
    GOOD = "good"


class Place(BaseModel):
    """Where it is."""

    city: str
    number: int
    note: str | None = None


class Branch(BaseModel):
    """A part of a tree."""

    place: Place
    branches: list["Branch"] = []


TYPES: dict[str, Any] = {
    "note": str | None,
    "anything": Any,
    "list_or_text": list[str] | str,
    "object_or_text": dict[str, Any] | str,
    "text": str,
    "task_progress": str,
    "numbers": list[int],
    "numbers_or_none": list[int] | None,
    "mapping": dict[str, Any],
    "place": Place,
    "place_or_none": Place | None,
    "number": int,
    "guarded": int,
    "fraction": float,
    "flag": bool,
    "number_or_none": int | None,
    "number_or_text": int | str,
    "one_of": Literal[1, 2],
    "mood": Mood,
    "word_or_none": Literal["a", "b"] | None,
    "day": date,
    "pair": tuple[int, str],
    "unique": set[str],
    "tree": Branch,
    "counts": dict[int, int],
}


def taking(name: str) -> Callable[..., str]:
    scope: dict[str, Any] = {}
    exec(f"def take_{name}({name}): return repr({name})", scope)
    function: Callable[..., str] = scope[f"take_{name}"]
    function.__annotations__ = {name: TYPES[name], "return": str} if name in TYPES else {"return": str}
    return function


for each in (*TYPES, "untyped"):
    tool(taking(each))


@tool
def find_places(near: Place) -> list[Place]:
    """Find places."""
    return [near]


@tool(extra="ignore")
def take_what_it_knows(text: str) -> str:
    """Take a text, and whatever else there is."""
    return text
