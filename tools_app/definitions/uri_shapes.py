"""Describes which URIs a resource has, for the search for allowed arguments (``policy.satisfiability``)."""

import re
from collections.abc import Callable

from mcp.shared.uri_template import UriTemplate

from authz_app.policy.decision import Shape
from authz_app.policy.globs import escaped

_EXPRESSION = re.compile(r"\{[^}]*\}")
_ONE_VARIABLE = re.compile(r"\{(\+?)[A-Za-z0-9_.]+\}")
# Characters that an expansion never has in it: of a simple variable, and of a reserved one (RFC 6570, 3.2.2 and 3.2.3).
_ENCODED = {"": "[!A-Za-z0-9._~%-]", "+": "[!]A-Za-z0-9._~:/?#[@!$&'()*+,;=%-]"}


def shape_of(uri: str, template: UriTemplate | None, accepts: Callable[[str], bool]) -> Shape:
    """The shape of a resource's URIs. ``accepts`` says whether a text is a URI that the template writes."""
    if template is None:
        return Shape(only="uri", pattern=escaped(uri))
    parts = [escaped(part) for part in _EXPRESSION.split(uri)]
    variables = [_ONE_VARIABLE.fullmatch(expression) for expression in _EXPRESSION.findall(uri)]
    never = [
        f"{'*'.join(parts[: at + 1])}*{_ENCODED[variable[1]]}*{'*'.join(parts[at + 1 :])}"
        for at, variable in enumerate(variables)
        if variable is not None
    ]
    if len(never) < len(variables):
        # Where an expression brings names or separators along, whatever is like one of the URIs may be one.
        return Shape(only="uri", pattern="*".join(parts))
    return Shape(only="uri", pattern="*".join(parts), never=tuple(never), accepts=accepts)
