"""A tool that cannot be offered."""

from tools_app.registry import tool


@tool
def open_orders(*customers: str) -> str:
    """List the open orders."""
    return ", ".join(customers)
