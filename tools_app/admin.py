"""What the admin shows of this app."""

from collections.abc import Iterable

from django.contrib import admin

from authz_app import known_names, notices
from authz_app.rule import Kind
from tools_app import catalogue, outage_notice, presence
from tools_app.models import McpSession, Tool
from tools_app.pages.tools import ToolAdmin
from tools_app.sessions_page import McpSessionAdmin


def _registered_names() -> Iterable[tuple[Kind, str]]:
    return catalogue.kinds_and_names(Tool.objects.filter(gone=False))


known_names.register(_registered_names)
notices.register(presence.notices)
notices.register(outage_notice.notices)
admin.site.register(Tool, ToolAdmin)
admin.site.register(McpSession, McpSessionAdmin)
