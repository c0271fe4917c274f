"""Defines the errors that end a command of the client without its result.

ClientError     a sentence for the person at the terminal, and the exit code
  Unusable      the command, its settings or the connection is no good
  Refused       the server, the tool or the authorization server said no
"""


class ClientError(Exception):
    """``str()`` is the sentence; it may span lines."""

    exit_code: int


class Unusable(ClientError):
    exit_code = 2


class Refused(ClientError):
    exit_code = 1
