"""Tools for the bench: the one that is called, and BENCH_TOOLS others that are only there."""

import os

from tools_app.registry import tool


@tool
async def echo(text: str) -> str:
    """Return the text."""
    return text


def _another(name: str) -> None:
    @tool(name=name)
    async def another(customer: str, since: str = "", limit: int = 10) -> list[str]:
        """List what a customer has ordered since a date, newest first; at most as many as the limit says."""
        return [f"{name} {customer} {since} {number}" for number in range(limit)]


for _number in range(int(os.environ.get("BENCH_TOOLS", "0"))):
    _another(f"tool_{_number:03}")
