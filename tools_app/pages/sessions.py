"""Shows open MCP sessions in the admin: who has them, from where, with which client software; and ends them."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import DELETION, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.views import ChangeList

from authz_app.pages.shared.bulk import listed
from authz_app.pages.shared.read_only import ReadOnlyAdmin
from authz_app.pages.shared.words import moment
from tools_app.cluster import presence
from tools_app.invocation.caller import SSE, STREAMABLE
from tools_app.models import McpSession
from tools_app.pages import session_rows
from tools_app.sessions.session import SessionsUnavailable

MOST = 500
_CONSEQUENCE = "The stream closes, and running calls were cancelled."
TRANSPORTS = {SSE: "HTTP+SSE", STREAMABLE: "Streamable HTTP"}


class SessionChangeList(ChangeList):
    """Lists the store's sessions, not rows. ``unavailable`` says why it is empty when the store cannot be read."""

    unavailable = ""
    total = 0

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.notices = presence.notices()
        try:
            found = session_rows.listing(self.query, MOST)
        except SessionsUnavailable as error:
            self.unavailable = str(error)
        else:
            self.total = found.total
            self.result_list = [_as_seen_by(request, row) for row in found.rows]
            self.result_count = len(found.rows)
        # Where they differ, the page offers to show all.
        self.full_result_count = None if self.query else self.result_count


def _as_seen_by(request: HttpRequest, session: McpSession) -> McpSession:
    """The session without what the person may not see: the client's page, and how many calls there were."""
    if not request.user.has_perm("authz_app.view_client"):
        session.client_id = None
    if not request.user.has_perm("authz_app.view_callrecord"):
        session.calls = None
    return session


class McpSessionAdmin(ReadOnlyAdmin):
    list_display = ("client", "opened", "address", "software", "call_count", "worker_name")
    list_display_links = None
    list_before_template = "admin/tools_app/mcpsession/before.html"
    # Any true value shows the search box; the change list does the searching.
    search_fields = ("key",)
    search_help_text = "Client, subject, address, software or worker"
    empty_text = "No open MCP sessions."
    empty_value_display = "—"
    actions = ("end",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tools_app.end_mcpsession")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SessionChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[McpSession], search_term: str
    ) -> tuple[QuerySet[McpSession], bool]:
        return queryset, False

    @display(description="Client")
    def client(self, session: McpSession) -> SafeString:
        return render_to_string("admin/tools_app/mcpsession/client.html", {"session": session})

    @display(description="Opened")
    def opened(self, session: McpSession) -> SafeString:
        times = {"opened": moment(session.opened_at), "expires": moment(session.expires_at)}
        shown = {**times, "is_silent": session.expires_at <= timezone.now()}
        return render_to_string("admin/tools_app/mcpsession/opened.html", shown)

    @display(description="Address")
    def address(self, session: McpSession) -> str | None:
        return session.address or None

    @display(description="Software (unverified)")
    def software(self, session: McpSession) -> SafeString:
        shown = {"software": session.client_software or "—", "transport": TRANSPORTS[session.transport]}
        return render_to_string("admin/tools_app/mcpsession/software.html", shown)

    @display(description="Calls")
    def call_count(self, session: McpSession) -> SafeString | None:
        if session.calls is None:
            return None
        return render_to_string("admin/tools_app/mcpsession/calls.html", {"session": session})

    @display(description="Worker")
    def worker_name(self, session: McpSession) -> str:
        return session.worker or "any"

    @admin.action(description="End", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[McpSession]) -> None:
        try:
            ending = session_rows.end(set(request.POST.getlist(ACTION_CHECKBOX_NAME)))
        except SessionsUnavailable as error:
            self.message_user(request, f"Nothing was ended. {error}", messages.ERROR)
            return
        if ending.ended:
            LogEntry.objects.log_actions(str(request.user.pk), ending.ended, DELETION, "Ended.")
            self.message_user(request, f"Ended: {listed(ending.ended)}. {_CONSEQUENCE}", messages.SUCCESS)
        if ending.doubtful:
            text = f"Not ended, as far as can be told: {listed(ending.doubtful)}. {ending.problem}"
            self.message_user(request, text, messages.ERROR)
        if not ending.ended and not ending.doubtful:
            self.message_user(request, "Nothing changed: they had ended already.", messages.INFO)
