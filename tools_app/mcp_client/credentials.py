"""Defines how a session's requests get their access token, and the plainest way: a token that is at hand."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Protocol

import httpx2

# Opens a context in which a person is waited for, and no server.
PersonActs = Callable[[], AbstractContextManager[None]]


class Credentials(Protocol):
    def auth(self, person_acts: PersonActs) -> httpx2.Auth:
        """The authentication of a session's requests.

        Raises:
            ClientError: there is no safe way to get a token.
        """


class BearerToken(httpx2.Auth):
    """Sends an access token that is at hand."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def auth(self, person_acts: PersonActs) -> httpx2.Auth:
        return self

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = self._header
        yield request
