"""Finds which of the site's paths a request means: with a slash more or less, and below a path of a proxy. Pure."""

from collections.abc import Sequence

WELL_KNOWN = ".well-known"
# Where the path of an identifier follows the name (RFC 9728 section 3.1, RFC 8414 section 3.1), and not the other way.
_INSERTED_INTO = frozenset({"oauth-protected-resource", "oauth-authorization-server", "openid-configuration"})
_MCP = {"mcp": "/mcp", "sse": "/sse", "messages": "/messages/"}


def local_path(path: str, prefix: str) -> str:
    """The path as this site has it.

    ``prefix`` is the path of PUBLIC_URL, without a slash at its end. A proxy in front passes it on or takes it away.
    """
    segments, above = _segments(path), _segments(prefix)
    if above and segments[: len(above)] == above:
        segments = segments[len(above) :]
        path = _below(path, prefix, segments)
    if segments[:1] == [WELL_KNOWN]:
        return _joined(_without_inserted(segments, above))
    if len(segments) == 1 and segments[0] in _MCP:
        return _MCP[segments[0]]
    return _joined(segments) if WELL_KNOWN in segments[1:2] else path


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _below(path: str, prefix: str, segments: Sequence[str]) -> str:
    if path.startswith(f"{prefix}/"):
        return path.removeprefix(prefix)
    return _joined(segments) + ("/" if segments and path.endswith("/") else "")


def _without_inserted(segments: list[str], above: list[str]) -> list[str]:
    name, rest = segments[1:2], segments[2:]
    is_inserted = bool(above) and {*name} <= _INSERTED_INTO and rest[: len(above)] == above
    return [*segments[:2], *(rest[len(above) :] if is_inserted else rest)]


def _joined(segments: Sequence[str]) -> str:
    return "/" + "/".join(segments)


def is_below_mcp(path: str, *, is_issuer: bool) -> bool:
    """Whether nothing is at this path, and programs ask for it. An issuer's metadata are where some clients look."""
    first, _, rest = path.removeprefix("/").partition("/")
    return first in _MCP and not (is_issuer and rest.startswith(f"{WELL_KNOWN}/"))
