"""Offers tools that are generated from the seed in GENERATED_TOOLS, and keeps what was said of those that were refused.

A tool whose name ends in ``fails`` raises; one that ends in ``strays`` returns what is not of the type it says.
"""

import os

from tests.generated_tools.signatures import MOST, Generated
from tools_app.errors import BadDefinition
from tools_app.registry import tool

REFUSED: dict[str, str] = {}

generated = Generated(int(os.environ.get("GENERATED_TOOLS", "0")))
for number in range(MOST):
    function = generated.function(number)
    try:
        tool(function)
    except BadDefinition as refused:
        REFUSED[function.__name__] = str(refused)


@tool
def refused_tools() -> dict[str, str]:
    """Tell what was said of each tool that was refused."""
    return REFUSED
