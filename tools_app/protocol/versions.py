"""Names the versions of MCP that are served."""

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

SERVED_VERSIONS = (*MODERN_PROTOCOL_VERSIONS, *reversed(HANDSHAKE_PROTOCOL_VERSIONS))


def unsupported_version() -> str:
    """The sentence about a protocol version that is not served."""
    return f"This protocol version is not served here. Send one of: {', '.join(SERVED_VERSIONS)}."
