"""Shows the policy history in the admin: who changed what and when, versions compared, the policy of each version."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from authz_app.history.changes import changes_in
from authz_app.history.past import NotInHistory, policy_at, require_known
from authz_app.models import Client, PolicyEdit, PolicyRevision
from authz_app.pages.history import filters as history_filters
from authz_app.pages.history.changes import MOST, changes_for_page
from authz_app.pages.shared import words
from authz_app.pages.shared.ids import OnlyFitIds, number_in
from authz_app.pages.shared.read_only import ReadOnlyAdmin
from authz_app.redaction.log_lines import visible

VERSION = "admin:authz_app_policyedit_version"
_IN_THE_LIST = 2
_FOUND_CLIENTS = 100


class HistoryChangeList(ChangeList):
    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[PolicyEdit]:
        edits = super().get_queryset(request, exclude_parameters)
        return edits if history_filters.chosen_entities(request.GET) else edits.filter(moved=True)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.current, first = latest_version(), PolicyEdit.objects.order_by("version", "id").first()
        chosen = history_filters.chosen_entities(request.GET)
        for edit in self.result_list:
            edit.shown = history_filters.about(edit, chosen)
            edit.begins = edit == first


class PolicyEditAdmin(OnlyFitIds, ReadOnlyAdmin):
    list_display = ("version_label", "time", "who", "what")
    list_filter = (
        history_filters.RuleChangesFilter,
        history_filters.ClientChangesFilter,
        history_filters.ToolChangesFilter,
        history_filters.PersonFilter,
        history_filters.ChangeTimeFilter,
    )
    list_filter_submit = True
    list_before_template = "admin/authz_app/policyedit/before.html"
    list_per_page = 25
    ordering = ("-version", "-id")
    # Any true value shows the search box; `get_search_results` does the searching.
    search_fields = ("version",)
    search_help_text = "Version, user or client"
    paginator = InfinitePaginator
    empty_text = "Nothing was changed yet, as far as the history goes back."
    fields = ("version_label", "time", "who")
    readonly_fields = fields
    change_form_after_template = "admin/authz_app/policyedit/changes.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return HistoryChangeList

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("version/<int:version>/", view(self.version_view), name="authz_app_policyedit_version"),
            path("at/<int:version>/", view(self.policy_view), name="authz_app_policyedit_policy"),
            path("compare/", view(self.compare_view), name="authz_app_policyedit_compare"),
            *super().get_urls(),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PolicyEdit], search_term: str
    ) -> tuple[QuerySet[PolicyEdit], bool]:
        """Find by version, by user, or by what happened to a client of this name: all are indexed."""
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        if number := number_in(term):
            return queryset.filter(version=number), False
        named = Client.objects.filter(name__istartswith=term) | Client.objects.filter(subject=term)
        clients = list(named.order_by().values_list("pk", flat=True)[:_FOUND_CLIENTS])
        edits = PolicyRevision.objects.filter(client_id__in=clients).values("edit")
        actors = [name for _, name in history_filters.latest_actors() if term.lower() in name.lower()]
        return queryset.filter(pk__in=edits) | queryset.filter(actor__in=[term, *actors]), False

    @display(description="Version")
    def version_label(self, edit: PolicyEdit) -> SafeString | str:
        if edit.moved:
            return str(edit.version)
        return format_html('{} <span class="quiet">no new version</span>', edit.version)

    @display(description="When")
    def time(self, edit: PolicyEdit) -> str:
        return words.moment(edit.at)

    @display(description="Who")
    def who(self, edit: PolicyEdit) -> SafeString | str:
        if edit.actor:
            return visible(history_filters.actor_words(edit.actor_kind, edit.actor))
        if edit.database_user:
            return f"database user {visible(edit.database_user)}"
        return format_html('<span class="quiet" title="{}">not named</span>', "Plain SQL, or the site itself.")

    @display(description="What")
    def what(self, edit: PolicyEdit) -> SafeString:
        changes = changes_in(edit.shown, edit.version or 0, _IN_THE_LIST)  # type: ignore[attr-defined]
        shown = {
            "summaries": [visible(one.summary) for one in changes.shown],
            "left_out": changes.left_out,
            "begins": edit.begins,  # type: ignore[attr-defined]
        }
        return render_to_string("admin/authz_app/policyedit/what.html", shown)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        edit = self.get_object(request, object_id)
        shown = changes_for_page(edit.revisions.all(), edit.version or 0) | {"edit": edit} if edit else {}
        title = {"title": f"Policy version {edit.version}"} if edit else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **title, **shown})

    def version_view(self, request: HttpRequest, version: int) -> HttpResponse:
        """Lead to the page of a version, or say why there is none."""
        self._require_permission(request)
        known = PolicyEdit.objects.filter(version=version, moved=True).order_by("id")
        edit = known.first() if 0 < version < 2**63 else None
        if edit is not None:
            return HttpResponseRedirect(reverse("admin:authz_app_policyedit_change", args=[edit.pk]))
        context = {"title": f"Policy version {version}", "unknown": why_unknown(version)}
        return self._page(request, "unknown", context, status=404)

    def policy_view(self, request: HttpRequest, version: int) -> HttpResponse:
        self._require_permission(request)
        title = {"title": f"The policy under version {version}", "version": version}
        try:
            policy = policy_at(version)
        except NotInHistory as error:
            return self._page(request, "unknown", {**title, "unknown": str(error)}, status=404)
        rules = [policy.rules[rule_id] for rule_id in sorted(policy.rules)]
        waiting = sorted(
            (client for client in policy.clients.values() if client.status != "active"), key=lambda c: c.id
        )
        shown = {
            "rules": rules[:MOST],
            "more_rules": max(0, len(rules) - MOST),
            "clients": [{"name": visible(one.name or one.subject), "one": one} for one in waiting[:MOST]],
            "more_clients": max(0, len(waiting) - MOST),
            "switched_off": sorted(policy.switched_off),
            "current": latest_version(),
        }
        return self._page(request, "policy", {**title, **shown})

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        self._require_permission(request)
        current = latest_version()
        newer = number_in(request.GET.get("to", "")) or current
        older = number_in(request.GET.get("from", "")) or max(1, newer - 1)
        older, newer = sorted((older, newer))
        context = {"title": f"Policy versions {older} and {newer}", "from": older, "to": newer, "current": current}
        try:
            require_known(older)
            require_known(newer)
        except NotInHistory as error:
            return self._page(request, "compare", {**context, "unknown": str(error)})
        between = PolicyRevision.objects.filter(edit__version__gt=older, edit__version__lte=newer)
        return self._page(request, "compare", context | changes_for_page(between, newer))

    def _require_permission(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.model._meta, **context}
        return TemplateResponse(request, f"admin/authz_app/policyedit/{name}.html", whole, status=status)


def latest_version() -> int:
    """Read the latest version in the history; 0 while it is empty."""
    latest = PolicyEdit.objects.filter(version__isnull=False).order_by("-version").values_list("version", flat=True)
    return latest.first() or 0


def why_unknown(version: int) -> str:
    """Say why the history has no page for a version."""
    try:
        require_known(version)
    except NotInHistory as error:
        return str(error)
    return f"The history has no policy version {version}."
