"""Holds who a verified access token says is calling. Pure: knows nothing of HTTP, Django or MCP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a verified access token says is calling.

    ``issuer`` and ``subject`` together name the client (RFC 7519 section 4.1.2: a subject is unique only within its
    issuer). ``oauth_client_id`` is the application the token was issued to (RFC 8693 section 4.3 ``client_id``, or
    OpenID Connect's ``azp``), empty where the token names none. ``expires_at`` is in seconds since the epoch.
    """

    issuer: str
    subject: str
    oauth_client_id: str
    token_scopes: frozenset[str]
    expires_at: int
    claims: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)

    @property
    def owner(self) -> tuple[str, str, str]:
        """What an MCP session belongs to: issuer, subject and OAuth client ID."""
        return (self.issuer, self.subject, self.oauth_client_id)

    @property
    def is_service(self) -> bool:
        """Whether the token was issued to an application on its own behalf (RFC 6749 section 4.4).

        By the signs that issuers give: Auth0's ``gty``, or a subject that is the OAuth client ID itself.
        """
        if self.claims.get("gty") == "client-credentials":
            return True
        return bool(self.oauth_client_id) and self.subject.removesuffix("@clients") == self.oauth_client_id

    @property
    def display_name(self) -> str:
        """What the token calls the caller, for people to read; never a key. Empty where it says nothing readable."""
        for claim in ("name", "preferred_username", "email", "client_name"):
            value = self.claims.get(claim)
            if isinstance(value, str) and value.isprintable() and value.strip():
                return value.strip()[:200]
        return ""
