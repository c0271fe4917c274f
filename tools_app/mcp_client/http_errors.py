"""Words an HTTP error response as a sentence. Knows HTTP and RFC 6750, nothing of MCP."""

import re
from dataclasses import dataclass

import orjson

from tools_app.mcp_client.errors import ClientError, Refused, Unusable
from tools_app.mcp_client.terminal import one_line

_WHAT = {
    401: "The server does not accept the access token",
    403: "The server refuses this caller",
    404: "There is no MCP server at {url}, or the session has ended",
    405: "{url} does not speak this transport; --transport names another",
    413: "The server finds the request too large",
    429: "The server is being asked too often",
    503: "The server cannot decide right now",
}
# Nothing is wrong with the address or the server; it said no.
_NO = frozenset({401, 403, 413, 429})


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A response outside 2xx: its URL, its body (perhaps cut), and the headers that explain it."""

    status: int
    url: str
    body: bytes = b""
    challenge: str = ""
    retry_after: str = ""
    location: str = ""

    def error(self) -> ClientError:
        return (Refused if self.status in _NO else Unusable)(self.sentence())

    def sentence(self) -> str:
        """For example "The server refuses this caller (HTTP 403, client_blocked): Ask ops@example.com."."""
        code, description = _explanation(self.body, self.challenge)
        what = _WHAT.get(self.status, "The server answers with an error").format(url=self.url)
        if self.missing_scopes:
            what = "The access token lacks a scope that is needed"
        if 300 <= self.status < 400:
            what = f"{self.url} has moved to {one_line(self.location) or 'an address that it does not name'}"
        named = f"HTTP {self.status}, {code}" if code else f"HTTP {self.status}"
        sentence = f"{what} ({named}): {description}" if description else f"{what} ({named})."
        if self.missing_scopes:
            sentence += f" {what_to_ask_for(self.missing_scopes)}"
        return f"{sentence} Try again in {self.retry_after} seconds." if self.retry_after.isdecimal() else sentence

    @property
    def missing_scopes(self) -> str:
        """The scopes that an insufficient_scope challenge names (RFC 6750 section 3.1), separated by spaces."""
        if _parameter(self.challenge, "error") != "insufficient_scope":
            return ""
        return one_line(_parameter(self.challenge, "scope"))


def what_to_ask_for(scopes: str) -> str:
    """How to come by a token with these scopes."""
    return f"With --login, over Streamable HTTP, this client asks for {scopes} by itself."


def _explanation(body: bytes, challenge: str) -> tuple[str, str]:
    """The error code and its description: from a JSON body, else the challenge, else the body's text."""
    from_challenge = _parameter(challenge, "error"), _parameter(challenge, "error_description")
    found = next((pair for pair in (_from_json(body), from_challenge, _from_text(body)) if any(pair)), ("", ""))
    return one_line(found[0], 60), one_line(found[1])


def _from_json(body: bytes) -> tuple[str, str]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    match parsed:
        case {"error": str(code), "error_description": str(description)}:
            return code, description
        case {"error": {"message": str(description), "data": {"error": str(code)}}}:
            return code, description
        case {"error": {"message": str(description)}} | {"error": str(description)} | {"detail": str(description)}:
            return "", description
    return "", ""


def _from_text(body: bytes) -> tuple[str, str]:
    text = body.decode(errors="replace").strip()
    return "", "" if text.startswith(("<", "{", "[")) else text


def _parameter(challenge: str, name: str) -> str:
    """A quoted parameter of a WWW-Authenticate header (RFC 9110 section 11.2)."""
    found = re.search(rf'\b{name}="([^"]*)"', challenge)
    return found[1] if found else ""
