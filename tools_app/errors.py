"""Defines what can go wrong with a call of a tool, a read of a resource or a use of a prompt.

ToolFailure       a function's declared failure, worded for the model that called it
  ClientFault     one that the MCP client gets as a JSON-RPC error, since no model can mend it
  NotFound        what the variables of a resource's URI name is not there
ToolBusy          every thread for plain functions is taken
DuplicateName     two functions were registered as the same kind under one name, or two resources at one URI
"""

from collections.abc import Mapping
from typing import Any


class ToolFailure(Exception):
    """A failure that the caller should read and act on, for example "No such city". Its text reaches the model."""


class ClientFault(ToolFailure):
    """The MCP client did not do its part, and gets a JSON-RPC error of this ``code``."""

    def __init__(self, code: int, text: str, data: Mapping[str, Any]) -> None:
        super().__init__(text)
        self.code = code
        self.data = data


class NotFound(ToolFailure):
    """A resource's function finds nothing where the variables of its URI point."""


class ToolBusy(Exception):
    """No thread is free to run the function."""


class DuplicateName(ValueError):
    """A second function was registered under a name, or at a URI, that is taken."""
