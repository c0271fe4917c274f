"""Configures the app that holds the tools and carries MCP to them."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ToolsConfig(AppConfig):
    name = "tools_app"
    verbose_name = "Tools"

    def ready(self) -> None:
        from tools_app import catalogue, registry  # noqa: PLC0415  (models are ready only now)

        catalogue.connect_to_policy()
        registry.autodiscover()
        post_migrate.connect(catalogue.sync_after_migrate, sender=self)
