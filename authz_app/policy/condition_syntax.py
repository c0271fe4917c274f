"""Reads and writes conditions as they are stored, typed and shown. Pure.

Stored as a JSON list of ``{"path": ..., "operator": ..., "value": ...}``, without a value for exists and absent. Typed
as ``arguments.city equals Paris``: a value is read as JSON where it is a number, ``true``, ``false``, ``null`` or a
text in quotation marks, and is otherwise the text as it stands. Several, for ``in``, have commas between them, or are a
JSON list.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from authz_app import json_text
from authz_app.policy.conditions import PRESENCE, ROOTS, Condition, Operator, Scalar, type_of
from authz_app.redaction.audit_level import written
from authz_app.redaction.redact import REDACTED, redact
from authz_app.redaction.secret_names import is_secret_name

_MOST = 50
_LONGEST = 1_000
_LARGEST = 2**53  # Beyond it not every number has a float of its own (RFC 8259 section 6).
_LARGEST_INTEGER = 10**json_text.MAX_INTEGER_DIGITS
_NAME = r'\.(?:"(?:[^"\\]|\\.)*"|[^.\s"]+)'
_PATH = re.compile(rf"({'|'.join(ROOTS)})((?:{_NAME})+)")
_NAMES = re.compile(_NAME)
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {
    Operator.EQUALS: "equals",
    Operator.IN: "is one of",
    Operator.CONTAINS: "contains",
    Operator.GLOB: "matches",
    Operator.EXISTS: "is there",
    Operator.ABSENT: "is not there",
}


class BadCondition(ValueError):
    """A text that was stored or typed is no condition; the message tells its author why."""


def read(text: str) -> tuple[Condition, ...]:
    """Read stored conditions; an empty text stands for none.

    Raises:
        BadCondition: one of them, or all of it, cannot be read.
    """
    rows = _json(text) if text.strip() else []
    if not isinstance(rows, list):
        raise BadCondition("Conditions are a JSON list.")
    if len(rows) > _MOST:
        raise BadCondition(f"A rule has {_MOST} conditions at most.")
    return tuple(_condition(row) for row in rows)


def _condition(row: Any) -> Condition:
    if not isinstance(row, dict) or not row.keys() <= {"path", "operator", "value"}:
        raise BadCondition("A condition has a path, an operator and a value, and nothing else.")
    path = row.get("path")
    matched = _PATH.fullmatch(path) if isinstance(path, str) and _is_fit(path) else None
    if matched is None:
        raise BadCondition(
            f"{str(path)[:100]!r} is no path: it begins with {', '.join(f'{root}.' for root in ROOTS[:-1])} or"
            f" {ROOTS[-1]}., and a name with a dot or a space in it stands in quotation marks."
        )
    root = next(root for root in ROOTS if root == matched[1])
    names = tuple(_name(one[1:]) for one in _NAMES.findall(matched[2]))
    if row.get("operator") not in Operator.__members__.values():
        raise BadCondition(f"{str(row.get('operator'))[:100]!r} is no operator: those are {', '.join(Operator)}.")
    operator = Operator(row["operator"])
    return Condition(root, names, operator, _value(operator, row))


def _name(text: str) -> str:
    return str(_json(text)) if text.startswith('"') else text


def _value(operator: Operator, row: dict[str, Any]) -> Any:
    if operator in PRESENCE:
        if "value" in row:
            raise BadCondition(f"{operator} takes no value.")
        return None
    if "value" not in row:
        raise BadCondition(f'{operator} needs a value; an empty text is written "".')
    value = row["value"]
    if operator is Operator.IN:
        return _one_of(value)
    if type_of(value) is None:
        raise BadCondition(f"{operator} compares with a text, a number, true, false or null.")
    if operator is Operator.GLOB and not isinstance(value, str):
        raise BadCondition("A glob is a text.")
    return _short(value)


def _one_of(values: Any) -> tuple[Scalar, ...]:
    kinds = {type_of(value) for value in values} if isinstance(values, list) else set()
    if len(kinds) != 1 or None in kinds or len(values) > _LONGEST:
        raise BadCondition("The values of in are a list of at least one, all texts, all numbers or all booleans.")
    return tuple(_short(value) for value in values)


def _short(value: Scalar) -> Scalar:
    if isinstance(value, str) and not _is_fit(value):
        raise BadCondition(f"A value has {_LONGEST} characters of Unicode at most.")
    if isinstance(value, float) and abs(value) > _LARGEST:
        raise BadCondition(
            "A number with a fraction or an exponent lies between -2^53 and 2^53: write it as an integer."
        )
    if isinstance(value, int) and abs(value) >= _LARGEST_INTEGER:
        raise BadCondition(f"An integer has {json_text.MAX_INTEGER_DIGITS:,} digits at most.")
    return value


def _is_fit(text: str) -> bool:
    return len(text) <= _LONGEST and _SURROGATE.search(text) is None


def _json(text: str) -> Any:
    try:
        return json_text.loads(text)
    except ValueError as error:
        raise BadCondition(f"{text[:100]!r} is not JSON.") from error


def stored(conditions: Iterable[Condition]) -> str:
    """The text to store; empty for no conditions."""
    rows = [_row(condition) for condition in conditions]
    return json_text.dumps(rows).decode() if rows else ""


def _row(condition: Condition) -> dict[str, Any]:
    row = {"path": path_of(condition), "operator": condition.operator.value}
    return row if condition.operator in PRESENCE else {**row, "value": condition.value}


def path_of(condition: Condition) -> str:
    """The path of a condition as it is written."""
    return f"{condition.root}.{written(condition.names)}"


def typed(path: str, operator: str, value: str) -> Condition:
    """Read a condition that somebody typed in three fields.

    Raises:
        BadCondition: it is no condition; the message tells why.
    """
    row: dict[str, Any] = {"path": path.strip(), "operator": operator.strip()}
    # The empty text has to be typed as "", or a value that was forgotten would be one.
    return _condition({**row, "value": _typed_value(operator, value.strip())} if value.strip() else row)


def typed_line(line: str) -> Condition:
    """Read a condition that was typed as one line: ``arguments.city equals Paris``.

    Raises:
        BadCondition: it is no condition; the message tells why.
    """
    path = _PATH.match(line.strip())
    words = line.strip()[path.end() if path else 0 :].split(maxsplit=1)
    if path is None or not words:
        raise BadCondition(f"{line[:100]!r} is no condition, such as 'arguments.city equals Paris'.")
    return typed(path[0], words[0], words[1] if len(words) > 1 else "")


def _typed_value(operator: str, text: str) -> Any:
    if operator == Operator.GLOB and not text.startswith('"'):
        return text
    if operator != Operator.IN:
        return _typed_scalar(text)
    if text.startswith("["):
        return _json(text)
    return [_typed_scalar(part.strip()) for part in text.split(",")]


def _typed_scalar(text: str) -> Any:
    try:
        value = json_text.loads(text)
    except ValueError:
        if text.startswith('"'):
            raise BadCondition(f"{text[:100]} is no text in quotation marks.") from None
        return text
    return value


def value_text(condition: Condition) -> str:
    """The value as somebody would type it."""
    if condition.operator in PRESENCE:
        return ""
    if condition.operator is not Operator.IN:
        return _scalar_text(condition.operator, condition.value)
    parts = [_scalar_text(Operator.IN, value) for value in condition.value]
    as_list = any("," in part for part in parts) or parts[0].startswith("[")
    return json_text.dumps(condition.value).decode() if as_list else ", ".join(parts)


def _scalar_text(operator: Operator, value: Scalar) -> str:
    if isinstance(value, str) and value and value == value.strip():
        reads_as = value if operator is Operator.GLOB and not value.startswith('"') else _reads_as(value)
        if reads_as == value and isinstance(reads_as, str):
            return value
    return json_text.dumps(value).decode()


def _reads_as(text: str) -> Any:
    try:
        return _typed_scalar(text)
    except BadCondition:
        return None


def in_words(condition: Condition) -> str:
    """The condition as part of a sentence, which goes into records: without a value that is a secret."""
    words = f"{path_of(condition)} {_WORDS[condition.operator]}"
    if condition.operator in PRESENCE:
        return words
    values: Sequence[Scalar] = condition.value if condition.operator is Operator.IN else [condition.value]
    if any(is_secret_name(name) for name in condition.names):
        return f"{words} {REDACTED}"
    return f"{words} {', '.join(json_text.dumps(redact(value)).decode() for value in values)}"
