"""Reads values that were sent as texts, where a schema takes no text: some clients send "[1, 2]", "5" or "true".

A text that the schema takes is never read as anything else.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from authz_app.core.strict_json import parse
from tools_app.definitions.json_schema import definition_of, type_of, types_of

_MAX_DEPTH = 32
_BOOLEANS = {"true": True, "false": False}


class TextReader:
    """Reads the values at one place of a schema, and those within them."""

    __slots__ = ("_members", "_others", "_types", "_items", "has_work")

    def __init__(self) -> None:
        self._types: frozenset[str] = frozenset()
        self._members: dict[str, TextReader] = {}
        self._others: TextReader | None = None
        self._items: TextReader | None = None
        # Until it is known, which matters where a schema means itself.
        self.has_work = True

    def describe(self, types: frozenset[str], members: dict[str, "TextReader"], others: Any, items: Any) -> None:
        self._types = types
        self._others = others if others is not None and others.has_work else None
        # Beside others that are read, each counts: it is none of them.
        self._members = {name: one for name, one in members.items() if one.has_work or self._others is not None}
        self._items = items if items is not None and items.has_work else None
        within = self._members or self._others or self._items
        self.has_work = bool("string" not in types or within)

    def read(self, value: Any) -> Any:
        if type(value) is str:
            read = value if "string" in self._types else self._read_text(value)
            return value if read is value else self.read(read)
        if type(value) is dict and (self._members or self._others is not None):
            return {name: self._read_member(name, item) for name, item in value.items()}
        if type(value) is list and self._items is not None:
            return [self._items.read(item) for item in value]
        if type(value) is float and value.is_integer() and "integer" in self._types and "number" not in self._types:
            return int(value)
        return value

    def _read_member(self, name: str, item: Any) -> Any:
        reader = self._members.get(name, self._others)
        return item if reader is None else reader.read(item)

    def _read_text(self, text: str) -> Any:
        if "boolean" in self._types and text.casefold() in _BOOLEANS:
            return _BOOLEANS[text.casefold()]
        with suppress(ValueError):
            value = parse(text.encode(), _MAX_DEPTH)
            kind = type_of(value)
            if kind != "string" and (kind in self._types or (kind == "integer" and "number" in self._types)):
                return value
        return text


class TextReaders:
    """Makes the readers of one schema; a definition has one, also where it means itself."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._made: dict[tuple[str, frozenset[str]], TextReader] = {}

    def of(self, schema: Any) -> TextReader:
        types = types_of(schema, self._definitions)
        name, resolved = definition_of(_alone(schema), self._definitions)
        if name and (name, types) in self._made:
            return self._made[name, types]
        reader = TextReader()
        if name:
            self._made[name, types] = reader
        resolved = resolved if isinstance(resolved, dict) else {}
        members = {key: self.of(one) for key, one in resolved.get("properties", {}).items()}
        others, items = (self._within(resolved.get(key)) for key in ("additionalProperties", "items"))
        reader.describe(types, members, others, items)
        return reader

    def _within(self, schema: Any) -> TextReader | None:
        return self.of(schema) if isinstance(schema, dict) else None


def _alone(schema: Any) -> Any:
    """The only schema of several that takes anything but null; else what was given."""
    if not isinstance(schema, dict) or "anyOf" not in schema:
        return schema
    others = [one for one in schema["anyOf"] if one != {"type": "null"}]
    return _alone(others[0]) if len(others) == 1 else schema
