"""Finds the values that are taken out of a call's arguments: its result and its errors may repeat them. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from authz_app.redaction.audit_level import Path
from authz_app.redaction.secret_names import is_secret_name

# Fewer characters than the first hide nothing: too much else is spelled like that.
_LEAST, _SHORT, _MOST = 4, 8, 200
_MAX_DEPTH = 16


def masked_values(arguments: dict[str, Any], paths: Sequence[Path]) -> re.Pattern[str] | None:
    """A pattern for the values that a path leads to, or that stand under a secret's name; None where there are none.

    A short one is found only where it stands by itself.
    """
    found: set[str] = set()
    _collect(arguments, paths, found)
    longest_first = sorted(found, key=len, reverse=True)
    return re.compile("|".join(map(_pattern, longest_first))) if longest_first else None


def _pattern(text: str) -> str:
    return rf"(?<!\w){re.escape(text)}(?!\w)" if len(text) < _SHORT else re.escape(text)


def _collect(value: Any, paths: Sequence[Path], found: set[str], hidden: bool = False, depth: int = 0) -> None:
    if len(found) >= _MOST or depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            inner = [path[1:] for path in paths if path and path[0] in (name, "*")]
            _collect(item, inner, found, hidden or () in inner or is_secret_name(str(name)), depth + 1)
    elif isinstance(value, list):
        inner = [path[1:] if path[0] == "*" else path for path in paths if path]
        for item in value:
            _collect(item, inner, found, hidden or () in inner, depth + 1)
    elif hidden and isinstance(value, str | int | float) and not isinstance(value, bool):
        found.update(_spellings(str(value)))


def _spellings(text: str) -> Iterator[str]:
    """A value as it may stand in a text: as it is, within JSON, within a repr, within a URL."""
    if len(text) >= _LEAST:
        yield from (text, orjson.dumps(text).decode()[1:-1], repr(text)[1:-1], quote(text, safe=""))
