"""Read what can be read of JSON that was refused, to say whom the refusal is for. Pure."""

import json
import re
from collections import Counter
from typing import Any

from authz_app import json_text
from authz_app.core.strict_json import BOM


def salvaged(body: bytes) -> Any:
    """Read what can be read of a body that is refused, to say whom the refusal is for; None where that is nothing.

    A member that is there twice is left out, and values that could not be kept are marked as cut. Where all of it is
    nested too deeply to be read, there are the members before that.
    """
    text = body.removeprefix(BOM).decode(errors="replace")
    try:
        return _fit(_SALVAGING.decode(text), 0)
    except RecursionError:
        return _before_what_is_nested(text)
    except ValueError:
        return None


def _before_what_is_nested(text: str) -> Any:
    begins = _BEGINNING.match(text)
    try:
        return _fit(_SALVAGING.decode(f"{_LAST_NAME.sub('', begins[0])}}}"), 0) if begins else None
    except ValueError:
        return None


def _fit(value: Any, depth: int) -> Any:
    """The value as it could be written again, and no deeper than anybody looks."""
    if type(value) is str:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if not isinstance(value, dict | list):
        return value
    if depth > _DEEPEST_SALVAGED:
        return "... (nested too deeply to record)"
    if isinstance(value, list):
        return [_fit(item, depth + 1) for item in value]
    return {_fit(name, depth): _fit(item, depth + 1) for name, item in value.items()}


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        times = Counter(name for name, _ in pairs)
        value = {name: item for name, item in value.items() if times[name] == 1}
    return value


class _Cut(str):
    """Stands for a value that could not be kept."""


def _cut(text: str) -> str:
    return _Cut(f"... ({len(text)} characters)")


def _number_or_cut(text: str) -> Any:
    try:
        return json_text.integer(text) if text.lstrip("-").isdigit() else json_text.fraction(text)
    except ValueError:
        return _cut(text)


_SALVAGING = json.JSONDecoder(
    object_pairs_hook=_without_doubles, parse_constant=_cut, parse_int=_number_or_cut, parse_float=_number_or_cut
)
_DEEPEST_SALVAGED = 20
_BEGINNING = re.compile(r"\s*\{[^\[{]*")
_LAST_NAME = re.compile(r',?\s*"[^"\\]*"\s*:\s*$')
