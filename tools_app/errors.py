"""What can go wrong with a tool call.

ToolFailure       a tool's declared failure, worded for the model that called it
  ClientFault     one that the MCP client is told of as a JSON-RPC error, since no model can mend it
ToolBusy          every thread for plain functions is taken
DuplicateTool     two tools were registered under one name
"""

from collections.abc import Mapping
from typing import Any


class ToolFailure(Exception):
    """A failure that the caller should read and act on, for example "No such city". Its text reaches the model."""


class ClientFault(ToolFailure):
    """The MCP client did not do its part: it is told so as a JSON-RPC error of this ``code``."""

    def __init__(self, code: int, text: str, data: Mapping[str, Any]) -> None:
        super().__init__(text)
        self.code = code
        self.data = data


class ToolBusy(Exception):
    """No thread is free to run the tool."""


class DuplicateTool(ValueError):
    """A second tool was registered under a name that is taken."""
