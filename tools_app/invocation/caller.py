"""Names who calls, from where and over which transport: all that invocation needs to know of an HTTP request."""

from dataclasses import dataclass

from authz_app.policy.principal import Principal

# The transports, as records name them.
SSE = "sse"
STREAMABLE = "streamable"


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of one request, and where it came from.

    ``mcp_session`` is the hash of the session's id, never the id. ``host`` is what the caller calls this site.
    """

    principal: Principal
    client_software: str
    mcp_session: str
    transport: str
    protocol_version: str
    address: str
    host: str = ""
