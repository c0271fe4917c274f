"""What this site is called as an OAuth resource (RFC 8707, RFC 9728). Pure: everything is made of PUBLIC_URL."""

from collections.abc import Iterable
from urllib.parse import urlsplit

WELL_KNOWN = "/.well-known/oauth-protected-resource"
# Where MCP clients connect. Each is a resource of its own, and so is the site as a whole.
RESOURCE_PATHS = ("", "/sse", "/mcp")
# A message is posted into a session that was opened at /sse: that is the resource its client knows.
_ASKED_FOR = {"/sse": "/sse", "/messages": "/sse", "/messages/": "/sse", "/mcp": "/mcp"}


def resource_identifiers(public_url: str, further: Iterable[str] = ()) -> tuple[str, ...]:
    """The audiences under which clients ask for tokens for this site, as real clients spell them."""
    return as_clients_spell([*(f"{public_url}{path}" for path in RESOURCE_PATHS), *further])


def as_clients_spell(audiences: Iterable[str]) -> tuple[str, ...]:
    """``audiences``, a bare origin with and without its slash: clients add it (RFC 3986 section 6.2.3)."""
    spelled = [spelling for audience in audiences for spelling in (audience, *_other_spelling(audience))]
    return tuple(dict.fromkeys(spelled))


def _other_spelling(audience: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(audience)
    except ValueError:
        return ()
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or audience not in (origin, f"{origin}/"):
        return ()
    return (f"{origin}/",) if audience == origin else (origin,)


def metadata_url(public_url: str, path: str) -> str:
    """Where the metadata of the resource is that a request for ``path`` asked for (RFC 9728 section 3.1)."""
    return f"{public_url}{WELL_KNOWN}{_ASKED_FOR.get(path, '')}"
