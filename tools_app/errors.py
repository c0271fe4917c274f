"""Defines what can go wrong with a call of a tool, a read of a resource or a use of a prompt."""

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


class ArgumentsRefused(ToolFailure):
    """The arguments are not those that the function takes."""


class UnfitResult(ToolFailure):
    """What a function returned cannot be its result. Its author has to mend that; the text says how."""


class ToolBusy(Exception):
    """No thread is free to run the function."""


class BadDefinition(ValueError):
    """A function cannot be offered as it is written; the message says where, why, and what to write instead."""


class DuplicateName(BadDefinition):
    """A second function was registered under a name, or at a URI, that is taken."""
