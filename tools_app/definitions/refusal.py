"""Refuses what cannot be offered, when the site starts: where it stands, what it is, and what to write instead."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from authz_app.policy.rule import Kind
from tools_app.definitions.functions import first_line, name_of, place_of
from tools_app.errors import BadDefinition


@contextmanager
def refusing(kind: Kind, function: Callable[..., Any], name: Any) -> Iterator[None]:
    """Turn whatever is raised into one sentence about this tool, resource or prompt.

    Raises:
        BadDefinition: something was raised.
    """
    try:
        yield
    except BadDefinition:
        raise
    except Exception as error:  # noqa: BLE001  (so may whatever describes a function)
        reason = str(error) if isinstance(error, ValueError) else first_line(error)
        named = name if isinstance(name, str) and name else name_of(function)
        raise BadDefinition(f"{place_of(function)}: the {kind} {named!r} cannot be offered. {reason}") from error
