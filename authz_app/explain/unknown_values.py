"""Stands in for values that a record does not keep: they were there, and nothing else is known. Pure.

To conditions they are unknown, as what is of another type is. What may be within them is unknown, too; see
``is_unknown``.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from authz_app import json_text
from authz_app.redaction.redact import REDACTED

# How the redaction marks what it has cut, or could not keep as it was.
_CUT = re.compile(r"\.\.\. \((?:\d+ (?:characters|items)|nested too deeply to record)\)$")
_REPLACED = (REDACTED, "\ufffd")


class UnknownValue(dict[str, Any]):
    """Stands for a value of any type. Nothing within it is known: whatever is asked for is unknown."""

    def get(self, key: str, default: Any = None) -> Any:
        return self


UNKNOWN = UnknownValue()


def is_unknown(names: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Say whether it is unknown what the names lead to, and even whether there is anything."""
    found: Any = values
    for name in names:
        if isinstance(found, UnknownValue):
            return True
        if type(found) is not dict:
            return False
        found = found.get(name)
    return False


def recorded(text: str) -> dict[str, Any]:
    """Read the arguments or claims of a record, with unknown values for what it does not keep."""
    try:
        kept = _kept(json_text.loads(text))
    except ValueError:
        return UNKNOWN
    return kept if isinstance(kept, dict) else UNKNOWN


def _kept(value: Any) -> Any:
    if isinstance(value, str):
        return UNKNOWN if _is_altered(value) else value
    if isinstance(value, list):
        return [_kept(item) for item in value]
    if not isinstance(value, dict):
        return value
    # Of an object that was cut, or that has names which were, nobody knows which members it had.
    if "..." in value or any(_is_altered(name) for name in value):
        return UNKNOWN
    return {name: _kept(item) for name, item in value.items()}


def _is_altered(text: str) -> bool:
    return any(mark in text for mark in _REPLACED) or _CUT.search(text) is not None
