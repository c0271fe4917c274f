"""Configures the app that holds the tools and carries MCP to them."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class ToolsConfig(AppConfig):
    name = "tools_app"
    verbose_name = "Tools"

    def ready(self) -> None:
        from authz_app.policy_store import tool_port  # noqa: PLC0415  (models are ready only now)
        from tools_app import catalogue  # noqa: PLC0415  (models are ready only now)
        from tools_app.cluster import presence  # noqa: PLC0415  (models are ready only now)
        from tools_app.worker import process  # noqa: PLC0415  (models are ready only now)

        tool_port.connect(
            tool_port.ToolPort(
                table=catalogue.TOOL_TABLE,
                switched_off=catalogue.switched_off,
                recording_overrides=catalogue.recording_overrides,
                names=catalogue.names,
                notices=lambda: [*presence.notices(), *process.outage_notices()],
            )
        )
        autodiscover_modules("mcp_tools")
        post_migrate.connect(catalogue.sync_after_migrate, sender=self)
