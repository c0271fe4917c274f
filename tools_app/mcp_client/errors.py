"""Defines the errors that end a command of the client without its result."""


class ClientError(Exception):
    """``str()`` is a sentence for the person at the terminal; it may span lines."""

    exit_code: int


class Unusable(ClientError):
    """The command, its settings or the connection is no good."""

    exit_code = 2


class Refused(ClientError):
    """The server, the tool or the authorization server said no."""

    exit_code = 1
