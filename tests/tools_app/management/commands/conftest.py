"""The MCP client's command is tested with what its package is tested with."""

from tests.tools_app.mcp_client.conftest import nothing_configured, peer_url

__all__ = ["nothing_configured", "peer_url"]
