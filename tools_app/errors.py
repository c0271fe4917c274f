"""What can go wrong with a tool call.

ToolFailure       a tool's declared failure, worded for the model that called it
ToolBusy          every thread for plain functions is taken
DuplicateTool     two tools were registered under one name
"""


class ToolFailure(Exception):
    """A failure that the caller should read and act on, for example "No such city". Its text reaches the model."""


class ToolBusy(Exception):
    """No thread is free to run the tool."""


class DuplicateTool(ValueError):
    """A second tool was registered under a name that is taken."""
