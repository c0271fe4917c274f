"""Routes requests: MCP paths to their transports, everything else to Django."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcpsite.settings")

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

django_app: Any = get_asgi_application()

from tools_app.serving.startup import refuse_unsafe_start  # Models must be ready before these are imported.
from tools_app.transports.app import MCP_PATHS, mcp_app

refuse_unsafe_start()


async def http_app(scope: Any, receive: Any, send: Any) -> None:
    await (mcp_app if scope["path"] in MCP_PATHS else django_app)(scope, receive, send)


async def websocket_app(scope: Any, receive: Any, send: Any) -> None:
    """Refuse the handshake: there are no WebSockets here."""
    await send({"type": "websocket.close"})


application = ProtocolTypeRouter({"http": http_app, "websocket": websocket_app})
