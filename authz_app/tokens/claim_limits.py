"""Refuse claims that could not be recorded as they are. Pure."""

from itertools import chain
from typing import Any

from authz_app.core.storable_text import is_storable
from authz_app.tokens.errors import MalformedToken

MAX_DEPTH = 16
MAX_INTEGER = 2**63 - 1


def refuse_unstorable(value: Any, depth: int = 0) -> None:
    """Refuse what could not be kept: NUL, half surrogates, numbers without bounds, deep nesting.

    Raises:
        MalformedToken: the value, which is that of a token's payload, holds any.
    """
    if isinstance(value, str) and not is_storable(value):
        raise MalformedToken("payload", "holds a character that is not text")
    if isinstance(value, (int, float)) and not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise MalformedToken("payload", "holds a number that is too large")
    if isinstance(value, (dict, list)):
        if depth >= MAX_DEPTH:
            raise MalformedToken("payload", "is nested too deeply")
        for item in chain(value, value.values()) if isinstance(value, dict) else value:
            refuse_unstorable(item, depth + 1)
