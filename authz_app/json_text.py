"""Write and read JSON as orjson does, and large integers exactly, which it refuses to write and rounds. Pure."""

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

import orjson

MAX_INTEGER_DIGITS = 1_000
TOO_LONG = f"a number is too large: an integer has {MAX_INTEGER_DIGITS:,} digits at most"
_LIMIT = 10**MAX_INTEGER_DIGITS
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
# Fewer digits are an integer of 64 bits. Those within a text cost the slower way, and nothing else.
_LONG = re.compile(r"[0-9]{19}")
_LONG_BYTES = re.compile(rb"[0-9]{19}")
# As deep as orjson writes.
_DEEPEST = 254


def integer(digits: str) -> int:
    """Read an integer as JSON has it.

    Raises:
        ValueError: it has more than 1,000 digits.
    """
    if len(digits) > MAX_INTEGER_DIGITS and len(digits.removeprefix("-")) > MAX_INTEGER_DIGITS:
        raise ValueError(TOO_LONG)
    return int(digits)


def dumps(value: Any, *, default: Callable[[Any], Any] | None = None, option: int = 0) -> bytes:
    """Write a value.

    Raises:
        TypeError: it is no JSON, or has an integer of more than 1,000 digits.
    """
    try:
        return orjson.dumps(value, default=default, option=option)
    except TypeError as error:
        if not str(error).startswith("Integer exceeds 64-bit range"):
            raise
    return orjson.dumps(_written(value, 0), default=default, option=option)


def _written(value: Any, depth: int) -> Any:
    """A copy in which large integers are written already."""
    if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        if not -_LIMIT < value < _LIMIT:
            raise TypeError(TOO_LONG)
        return orjson.Fragment(int.__repr__(value))
    if depth > _DEEPEST:
        return value
    if type(value) is dict:
        return {name: _written(item, depth + 1) for name, item in value.items()}
    if type(value) in (list, tuple):
        return [_written(item, depth + 1) for item in value]
    return value


def loads(text: str | bytes) -> Any:
    """Read a JSON text.

    Raises:
        ValueError: it is no JSON, or has an integer of more than 1,000 digits.
    """
    if (_LONG.search(text) if isinstance(text, str) else _LONG_BYTES.search(text)) is None:
        return orjson.loads(text)
    try:
        return json.loads(text, parse_int=integer, parse_float=fraction, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def fraction(text: str) -> float:
    """Read a number with a fraction or an exponent.

    Raises:
        ValueError: it is too large for 64 bits (IEEE 754).
    """
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large: one with a fraction or an exponent ends at about 1.8e308")
    return number


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
