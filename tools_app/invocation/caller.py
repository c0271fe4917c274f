"""Who calls, from where and by which way: what invocation needs to know of a request, and nothing else of it."""

from dataclasses import dataclass

from authz_app.policy.principal import Principal

# The transports, as records name them.
SSE = "sse"
STREAMABLE = "streamable"


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's principal and circumstances. ``mcp_session`` is the hash of the session's id, never the id."""

    principal: Principal
    client_software: str
    mcp_session: str
    transport: str
    protocol_version: str
    address: str
