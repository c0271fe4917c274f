"""Makes values that are valid by a JSON schema, as a caller would who knows nothing else."""

from collections.abc import Mapping
from random import Random
from typing import Any

_BY_FORMAT = {
    "date": "2026-11-30",
    "date-time": "2026-11-30T01:02:03Z",
    "time": "01:02:03Z",
    "duration": "P1DT2S",
    "uuid": "6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b",
    "uri": "https://example.com/",
    "path": "/tmp/x",
}
_TEXTS = ("", "a", "null", '{"a": 1}', "[1]", "5", "true", "é\u2028")
_ANYTHING = ("text", '{"a": 1}', 5, 1.5, True, None, [1, "a"], {"a": [None]})
_DEEP = 6


class Values:
    """Makes values of a schema with these definitions."""

    def __init__(self, schema: Mapping[str, Any], random: Random) -> None:
        self._definitions = schema.get("$defs", {})
        self._random = random

    def of(self, schema: Any, depth: int = 0) -> Any:
        random = self._random
        if not isinstance(schema, dict):
            return random.choice(_ANYTHING)
        if "$ref" in schema:
            return self.of(self._definitions[schema["$ref"].rpartition("/")[2]], depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return random.choice(schema["enum"])
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self.of(random.choice(schema[several]), depth + 1)
        if "allOf" in schema:
            return self.of({**schema["allOf"][0], **{key: one for key, one in schema.items() if key != "allOf"}}, depth)
        made = getattr(self, f"_{schema.get('type', 'anything')}")
        return made(schema, depth)

    def _anything(self, schema: Mapping[str, Any], depth: int) -> Any:
        return self._random.choice(_ANYTHING)

    def _string(self, schema: Mapping[str, Any], depth: int) -> str:
        if "format" in schema:
            return _BY_FORMAT.get(schema["format"], "x")
        if "pattern" in schema:
            return "12.50"
        least, most = schema.get("minLength", 0), schema.get("maxLength", 100)
        return (self._random.choice(_TEXTS) + "x" * least)[:most]

    def _integer(self, schema: Mapping[str, Any], depth: int) -> int:
        least = schema.get("minimum", schema.get("exclusiveMinimum", -(2**53)) + 1)
        most = schema.get("maximum", schema.get("exclusiveMaximum", 2**53) - 1)
        return self._random.randint(least, most)

    def _number(self, schema: Mapping[str, Any], depth: int) -> float:
        low = schema.get("minimum", schema.get("exclusiveMinimum", -100))
        high = schema.get("maximum", schema.get("exclusiveMaximum", 100))
        return float(low + (high - low) * self._random.choice([0.25, 0.5, 0.75]))

    def _boolean(self, schema: Mapping[str, Any], depth: int) -> bool:
        return self._random.random() < 0.5

    def _null(self, schema: Mapping[str, Any], depth: int) -> None:
        return None

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        first = [self.of(one, depth + 1) for one in schema.get("prefixItems", ())]
        least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
        if "items" not in schema or schema["items"] is False:
            return first
        count = least if depth > _DEEP else self._random.randint(least, max(least, min(3, most)))
        more = [self.of(schema["items"], depth + 1) for _ in range(count - len(first))]
        made = [*first, *more]
        return made if not schema.get("uniqueItems") else [one for at, one in enumerate(made) if one not in made[:at]]

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        made = {
            name: self.of(one, depth + 1)
            for name, one in schema.get("properties", {}).items()
            if name in required or (depth <= _DEEP and self._random.random() < 0.5)
        }
        others = schema.get("additionalProperties", True)
        if others is not False and "properties" not in schema and depth <= _DEEP:
            # A name that can be a number too: JSON's names are texts, and no schema says what is read from them.
            made["7"] = self.of(others, depth + 1)
        return made
