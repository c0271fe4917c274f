"""Parse JSON that a stranger sent, and refuse what two parsers could read differently. Pure."""

import json
import re
from typing import Any

from authz_app import json_text


class JsonRefused(ValueError):
    """The text is not JSON as it is accepted here; the message says why, without quoting it."""


BOM = b"\xef\xbb\xbf"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise JsonRefused("an object has two members of the same name (RFC 8259 section 4)")
    return value


def _constant(name: str) -> Any:
    raise JsonRefused(f"{name} is not a JSON number")


# Numbers that may have too many digits, or be too large for 64 bits, are read one by one in Python.
_LARGE = re.compile(rb"[0-9]{200}|[0-9.][eE]\+?[0-9]{3}")
_PLAIN = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
_ANY_SIZE = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_int=json_text.integer)
_BOUNDED = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=json_text.integer, parse_float=json_text.fraction
)


def _check(value: Any, depth: int) -> None:
    if depth < 0:
        raise JsonRefused("it is nested too deeply")
    if isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
    elif isinstance(value, str):
        _check_text(value)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise JsonRefused("a string has half of a surrogate pair") from None


def parse(body: bytes, max_depth: int) -> Any:
    """Parse a body.

    Raises:
        JsonRefused: it is not UTF-8, not JSON, has duplicate member names, NaN, infinite or huge numbers, lone
            surrogates, or nests deeper than ``max_depth``.
    """
    value = _decoded(_BOUNDED, body)
    # What is written without an escape has no half of a surrogate pair: it would be no UTF-8.
    if b"\\" in body or body.count(b"{") + body.count(b"[") > max_depth:
        _check(value, max_depth)
    return value


def parse_of_any_size(body: bytes) -> Any:
    """Parse a body whose values are checked where they are used.

    Raises:
        JsonRefused: it is not UTF-8, not JSON, or has duplicate member names, NaN, or integers of over 1,000 digits.
    """
    return _decoded(_ANY_SIZE, body)


def _decoded(decoder: json.JSONDecoder, body: bytes) -> Any:
    """Decode; ``decoder`` is for what may have large numbers."""
    if body.startswith(BOM):
        raise JsonRefused("it starts with a byte order mark (RFC 8259 section 8.1)")
    try:
        return (decoder if _LARGE.search(body) else _PLAIN).decode(body.decode())
    except UnicodeDecodeError:
        raise JsonRefused("it is not UTF-8") from None
    except RecursionError:
        raise JsonRefused("it is nested too deeply") from None
    except JsonRefused:
        raise
    except json.JSONDecodeError as error:
        raise JsonRefused(f"{error.msg} at character {error.pos}") from None
    except ValueError as error:
        raise JsonRefused(str(error)) from None
