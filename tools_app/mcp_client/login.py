"""Logs a person in by the browser: the SDK has the OAuth flow (discovery, registration, PKCE), this the person's part.

No token is shown. They are kept for the next command, see `tools_app.mcp_client.token_storage`.
"""

import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
from mcp.client.auth import OAuthClientProvider, OAuthFlowError, OAuthRegistrationError
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata
from pydantic import AnyUrl

from authz_app.web_address import is_secure_url
from tools_app.mcp_client.credentials import PersonActs
from tools_app.mcp_client.errors import ClientError, Refused, Unusable
from tools_app.mcp_client.loopback import AuthorizationResponse, listening, redirect_uri
from tools_app.mcp_client.terminal import one_line
from tools_app.mcp_client.token_storage import FileTokenStorage

CALLBACK_PORT = 8765
_SECONDS = 300.0
_NAME = "manage.py mcp_client"


@dataclass(frozen=True, slots=True)
class Application:
    """An OAuth application that is registered at the authorization server already. A public one has no secret."""

    client_id: str
    client_secret: str = field(default="", repr=False)

    def as_registered(self, callback: str) -> OAuthClientInformationFull:
        """The answer that its registration would have had."""
        return OAuthClientInformationFull(
            client_id=self.client_id,
            client_secret=self.client_secret or None,
            token_endpoint_auth_method="client_secret_post" if self.client_secret else "none",
            redirect_uris=[AnyUrl(callback)],
        )


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials for the MCP server at ``url``: a person's, who logs in when the server asks for it.

    Without an ``application`` one is registered. ``file`` keeps what can be used again; ``port`` is where the browser
    comes back to on this machine; ``seconds`` is how long to wait for that.
    """

    url: str
    file: Path
    tell: Callable[[str], None]
    application: Application | None = None
    port: int = CALLBACK_PORT
    seconds: float = _SECONDS

    def auth(self, person_acts: PersonActs) -> httpx2.Auth:
        """Raises Unusable where others could read the tokens on the way to the server."""
        _check_secure(self.url)
        callback = redirect_uri(self.port)
        registered = self.application.as_registered(callback) if self.application else None
        storage = FileTokenStorage(self.file, callback, registered)
        visit = _Visit(self, storage, person_acts)
        metadata = OAuthClientMetadata(
            client_name=_NAME, redirect_uris=[AnyUrl(callback)], token_endpoint_auth_method="none"
        )
        provider = OAuthClientProvider(
            self.url, metadata, storage, redirect_handler=visit.begin, callback_handler=visit.end
        )
        storage.context = provider.context
        return provider


class _Visit:
    """One visit to the authorization server by way of the browser."""

    def __init__(self, login: Login, storage: FileTokenStorage, person_acts: PersonActs) -> None:
        self._login = login
        self._storage = storage
        self._person_acts = person_acts
        self._address = ""

    async def begin(self, address: str) -> None:
        """Keep the address for the browser, which is opened when this machine listens for the way back."""
        context = self._storage.context
        _check_secure(address)
        if context is not None and context.oauth_metadata is not None:
            _check_secure(str(context.oauth_metadata.token_endpoint))
        self._address = address

    async def end(self) -> AuthorizationCodeResult:
        """Send the person there, and wait for the authorization response.

        Raises:
            ClientError: no response came in time, or it is an error.
        """
        state = parse_qs(urlsplit(self._address).query)["state"][0]
        response: AuthorizationResponse | None = None
        with self._person_acts():
            async with listening(self._login.port, state) as responded:
                self._login.tell(f"Log in with the browser that opens, or at this address:\n  {self._address}")
                # A browser of the terminal runs until it is closed, and must not be waited for at the end.
                threading.Thread(target=webbrowser.open, args=[self._address], daemon=True).start()
                with anyio.move_on_after(self._login.seconds):
                    response = await responded
        if response is None or response.error:
            self._storage.forget()
        if response is None:
            raise Unusable(f"Nobody has logged in within {self._login.seconds:g} seconds. The next try begins anew.")
        if response.error:
            raise Refused(f"The authorization server logs nobody in ({one_line(response.error)}).")
        return AuthorizationCodeResult(code=response.code, state=response.state, iss=response.issuer)


def _check_secure(url: str) -> None:
    if not is_secure_url(url):
        address = one_line(url.partition("?")[0])
        raise Unusable(f"Nobody is logged in by way of {address}: without https others could read it.")


def failure(error: OAuthFlowError) -> ClientError:
    """Why the login failed, and what to do about it."""
    if isinstance(error, OAuthRegistrationError):
        return Refused(
            f"The authorization server does not register this client by itself ({one_line(str(error))})."
            " Register an application there and name it with --client-id."
        )
    return Refused(f"The login failed: {one_line(str(error))}")
