"""How the client's requests come by an access token: one that is at hand, or another way behind the same protocol."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Protocol

import httpx2


class Credentials(Protocol):
    """A way to come by an access token."""

    def auth(self, person_acts: Callable[[], AbstractContextManager[None]]) -> httpx2.Auth:
        """What authenticates the requests of a session. Within ``person_acts()`` a person is waited for, no server.

        Raises:
            ClientError: there is no safe way.
        """


class BearerToken(httpx2.Auth):
    """Sends an access token that is at hand."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def auth(self, person_acts: Callable[[], AbstractContextManager[None]]) -> httpx2.Auth:
        return self

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = self._header
        yield request
