"""Registers this app's pages and notices with the admin."""

from django.contrib import admin

from tools_app.models import McpSession, Tool
from tools_app.pages.sessions import McpSessionAdmin
from tools_app.pages.tools import ToolAdmin

admin.site.register(Tool, ToolAdmin)
admin.site.register(McpSession, McpSessionAdmin)
