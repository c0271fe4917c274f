"""Takes secrets out of what is recorded, and keeps it small. Pure.

A value is taken out if a path leads to it, if it stands under the name of a secret, or if it has the shape of one; also
within JSON that is written in a text.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from authz_app import json_text
from authz_app.redaction.audit_level import Path
from authz_app.redaction.card_numbers import is_card
from authz_app.redaction.named_values import PRIVATE_OF_KEY
from authz_app.redaction.secret_names import is_secret_name
from authz_app.redaction.secret_shapes import REDACTED as REDACTED, without_secrets

_MAX_STRING = 1_000
_MAX_JSON = 65_536
_MAX_ITEMS = 100
_MAX_DEPTH = 16
_MAX_BYTES = 8_192
_MAX_MEMBER = 40
_MAX_NAME = 100
# Each value takes two bytes at least, so with more it would be too large in any case.
_MAX_VALUES = _MAX_BYTES // 2
_LEAST_CARD = 10**12
# Members that name the value in the member beside them: {"name": "password", "value": "..."}.
_NAMING, _NAMED = ("name", "key", "header", "field"), ("value", "values", "val")


Hidden = re.Pattern[str] | None


def redact_text(text: str, limit: int = _MAX_STRING, hidden: Hidden = None) -> str:
    """Replace what has the shape of a secret, drop NUL (which PostgreSQL refuses), and cut to ``limit`` characters.

    ``hidden`` finds what is to be replaced besides.
    """
    return _Redactor(hidden).text(text, limit)


def redact(value: Any, paths: Sequence[Path] = ()) -> Any:
    """Copy a JSON value with secrets replaced, long strings and collections cut, and deep nesting left out."""
    return _Redactor().value(value, paths, 0)


def recorded_json(value: Any, paths: Sequence[Path] = (), hidden: Hidden = None) -> str:
    """A JSON text of ``value`` that is fit for a record: redacted, and never longer than 8 kB."""
    text = json_text.dumps(_Redactor(hidden).value(value, paths, 0))
    if len(text) > _MAX_BYTES:
        keys = list(value)[:20] if isinstance(value, dict) else []
        members = [redact_text(key, _MAX_MEMBER) for key in keys]
        text = json_text.dumps({"...": f"{len(text)} bytes, too large to record", "members": members})
    return text.decode()


class _Redactor:
    """Goes through one value, and through no more of it than a record could hold."""

    __slots__ = ("_hidden", "_left")

    def __init__(self, hidden: Hidden = None) -> None:
        self._hidden = hidden
        self._left = _MAX_VALUES

    def value(self, value: Any, paths: Sequence[Path], depth: int) -> Any:
        self._left -= 1
        if type(value) is str:
            return self.text(value, _MAX_STRING, paths, depth)
        if isinstance(value, dict | list):
            return self._collection(value, paths, depth)
        if type(value) is int and value >= _LEAST_CARD and is_card(str(value)):
            return REDACTED
        if self._hidden is not None and type(value) in (int, float) and self._hidden.fullmatch(str(value)):
            return REDACTED
        return value

    def text(self, text: str, limit: int, paths: Sequence[Path] = (), depth: int = 0) -> str:
        """A text, and the JSON that it may be."""
        if text[:1] in "{[" and 2 <= len(text) <= _MAX_JSON:
            text = self._json(text, paths, depth)
        # Cut generously, so that a huge value costs little; a secret that straddles the cut is still within it.
        clean = text[: limit * 4]
        if self._hidden is not None:
            clean = self._hidden.sub(REDACTED, clean)
        clean = without_secrets(clean, was_cut=len(text) > limit * 4).replace("\x00", "\ufffd")
        return clean if len(clean) <= limit else f"{clean[:limit]}... ({len(text)} characters)"

    def _json(self, text: str, paths: Sequence[Path], depth: int) -> str:
        try:
            value = json_text.loads(text)
        except ValueError:
            return text
        if depth >= _MAX_DEPTH or self._left <= 0:
            return text
        clean = self._collection(value, paths, depth + 1)
        return text if clean == value else json_text.dumps(clean).decode()

    def _collection(self, value: Any, paths: Sequence[Path], depth: int) -> Any:
        if depth >= _MAX_DEPTH or self._left <= 0:
            return "... (nested too deeply to record)"
        return self._object(value, paths, depth) if isinstance(value, dict) else self._list(value, paths, depth)

    def _list(self, values: list[Any], paths: Sequence[Path], depth: int) -> list[Any]:
        inner = _within_items(paths)
        kept = [REDACTED if () in inner else self.value(item, inner, depth + 1) for item in values[:_MAX_ITEMS]]
        for place, item in enumerate(kept[1:], 1):
            if _names_the_next(values[place - 1], len(values)) and isinstance(item, str):
                kept[place] = REDACTED
        return kept if len(values) <= _MAX_ITEMS else [*kept, f"... ({len(values)} items)"]

    def _object(self, value: dict[str, Any], paths: Sequence[Path], depth: int) -> dict[str, Any]:
        pairs, named = list(value.items()), _named_by_another(value)
        is_key = "kty" in value
        found: dict[str, Any] = {}
        for name, item in pairs[:_MAX_ITEMS]:
            inner = [path[1:] for path in paths if path[0] in (name, "*")] if paths else ()
            if (
                () in inner
                or (is_key and name in PRIVATE_OF_KEY)
                or ((name == named or is_secret_name(name)) and _tells(item))
            ):
                found[self._name(name)] = REDACTED
            else:
                found[self._name(name)] = self.value(item, inner, depth + 1)
        return found if len(pairs) <= _MAX_ITEMS else {**found, "...": f"{len(pairs)} members"}

    def _name(self, name: str) -> str:
        return _shown(name) if self._hidden is None and len(name) <= _MAX_MEMBER else self.text(name, _MAX_NAME)


@lru_cache(maxsize=4_096)
def _shown(name: str) -> str:
    """The name of a member, as it is recorded. Cached: the same few come again and again."""
    return redact_text(name, _MAX_NAME)


def _within_items(paths: Sequence[Path]) -> Sequence[Path]:
    """The rest of each path within the items of a list: ``*`` stands for an item, and can be left out."""
    return [path[1:] if path[0] == "*" else path for path in paths] if paths else ()


def _tells(item: Any) -> bool:
    """Whether the value could be a secret: that there is a password, or none, is no secret."""
    return item is not None and item is not True and item is not False and item != ""


def _named_by_another(value: dict[str, Any]) -> str | None:
    """The member that another one gives the name of a secret, if there is one."""
    named = next((one for one in _NAMED if one in value), None)
    if named is None:
        return None
    names = (value.get(one) for one in _NAMING)
    return named if any(isinstance(name, str) and is_secret_name(name) for name in names) else None


def _names_the_next(item: Any, several: int) -> bool:
    """Whether an item is the name of the next item: ["--password", "..."], or the pair ["Authorization", "..."]."""
    return isinstance(item, str) and (item.startswith("-") or several == 2) and is_secret_name(item)
