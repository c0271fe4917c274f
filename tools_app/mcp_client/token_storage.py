"""Keeps tokens and registration of a login for the next command, in a file that only its owner can read."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from mcp.client.auth.oauth2 import OAuthContext
from mcp.shared.auth import OAuthClientInformationFull, OAuthMetadata, OAuthToken
from mcp.shared.auth_utils import calculate_token_expiry
from pydantic import ValidationError

Kept = TypeVar("Kept", OAuthToken, OAuthClientInformationFull, OAuthMetadata)


def file_for(url: str, client_id: str | None, environ: Mapping[str, str]) -> Path:
    """The file for logins at the MCP server at ``url`` as this OAuth client ID."""
    cache = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    named = sha256(f"{url} {client_id or ''}".encode()).hexdigest()[:32]
    return Path(cache) / "mcp_client" / f"{named}.json"


class FileTokenStorage:
    """Implements the SDK's `TokenStorage`. A file that cannot be read or written costs no more than another login.

    ``registered`` is a client that the authorization server knows already; none is then registered.
    """

    def __init__(self, path: Path, redirect_uri: str, registered: OAuthClientInformationFull | None) -> None:
        self._path = path
        self._redirect_uri = redirect_uri
        self._registered = registered
        self._kept = self._read()
        self.context: OAuthContext | None = None

    async def get_tokens(self) -> OAuthToken | None:
        tokens = _parsed(OAuthToken, self._kept.get("tokens"))
        if self.context is not None and tokens is not None:
            # The SDK refreshes by these, and does not ask the storage for them.
            self.context.token_expiry_time = self._kept.get("expires_at")
            self.context.oauth_metadata = _parsed(OAuthMetadata, self._kept.get("metadata"))
        return tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._kept["tokens"] = _plain(tokens)
        self._kept["expires_at"] = calculate_token_expiry(tokens.expires_in)
        if self.context is not None and self.context.oauth_metadata is not None:
            self._kept["metadata"] = _plain(self.context.oauth_metadata)
        self._write()

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        if self._registered is not None:
            return self._registered
        found = _parsed(OAuthClientInformationFull, self._kept.get("client"))
        # It was registered for an address that the browser may come back to: not for any other port.
        return found if found is not None and self._redirect_uri in map(str, found.redirect_uris or ()) else None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        # Written together with the tokens: a registration that leads to no login is not used again.
        self._kept["client"] = _plain(client_info)

    def forget(self) -> None:
        """Delete the file, so that the next login begins anew."""
        with suppress(OSError):
            self._path.unlink()

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            kept = None
        return kept if isinstance(kept, dict) else {}

    def _write(self) -> None:
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = self._path.with_suffix(f".{os.getpid()}")
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._kept, file)
            beside.replace(self._path)


def _plain(model: OAuthToken | OAuthClientInformationFull | OAuthMetadata) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_none=True)


def _parsed(kind: type[Kept], kept: object) -> Kept | None:
    if not isinstance(kept, dict):
        return None
    try:
        return kind.model_validate(kept)
    except ValidationError:
        return None
