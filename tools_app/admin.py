"""Registers this app's pages and notices with the admin."""

from collections.abc import Iterable

from django.contrib import admin

from authz_app.pages.start import notices
from authz_app.policy.rule import Kind
from authz_app.policy_store import tool_names
from tools_app import catalogue
from tools_app.cluster import presence
from tools_app.models import McpSession, Tool
from tools_app.pages import outage_notice
from tools_app.pages.sessions import McpSessionAdmin
from tools_app.pages.tools import ToolAdmin


def _registered_names() -> Iterable[tuple[Kind, str]]:
    return catalogue.kinds_and_names(Tool.objects.filter(gone=False))


tool_names.register(_registered_names)
notices.register(presence.notices)
notices.register(outage_notice.notices)
admin.site.register(Tool, ToolAdmin)
admin.site.register(McpSession, McpSessionAdmin)
