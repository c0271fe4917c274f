"""Routes requests: MCP paths to their transports, everything else to Django."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcpsite.settings")

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

django_app: Any = get_asgi_application()

from tools_app.serving.startup import refuse_unsafe_start  # Models must be ready before these are imported.
from tools_app.transports.app import MCP_PATHS, mcp_app
from tools_app.transports.paths import is_below_mcp, local_path

refuse_unsafe_start()


async def http_app(scope: Any, receive: Any, send: Any) -> None:
    path = scope["path"]
    if path not in MCP_PATHS:
        path = local_path(path, settings.FORCE_SCRIPT_NAME or "")
        scope = {**scope, "path": path}
    if path in MCP_PATHS or is_below_mcp(path, is_issuer=settings.LOCAL_ISSUER):
        await mcp_app(scope, receive, send)
        return
    if settings.FORCE_SCRIPT_NAME:
        # Django finds a path below its script name alone, whether or not the proxy has left it there.
        scope = {**scope, "path": settings.FORCE_SCRIPT_NAME + path, "root_path": settings.FORCE_SCRIPT_NAME}
    await django_app(scope, receive, send)


async def websocket_app(scope: Any, receive: Any, send: Any) -> None:
    """Refuse the handshake: there are no WebSockets here."""
    await send({"type": "websocket.close"})


application = ProtocolTypeRouter({"http": http_app, "websocket": websocket_app})
