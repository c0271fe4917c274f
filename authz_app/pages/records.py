"""Admin pages of call records: read-only for everybody, newest first, fast however many there are."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.utils import display_for_label
from unfold.views import ChangeList

from authz_app.models import CallRecord, Client, Rule
from authz_app.pages import cures, record_filters, words
from authz_app.pages.record_export import ExportMixin
from authz_app.pages.session_filter import SessionFilter
from authz_app.pages.words import visible

DECISION_COLOURS = {CallRecord.Decision.ALLOWED.value: "success", CallRecord.Decision.DENIED.value: "danger"}
_FOUND_CLIENTS = 100
_LOST = " The result did not reach the caller, as far as the worker knows."
_WHAT = ("What", {"fields": ("tool_name", "arguments_text")})
_WHAT_AND_CLAIMS = ("What", {"fields": ("tool_name", "arguments_text", "claims_text")})
_WHAT_WITHOUT_ARGUMENTS = ("What", {"fields": ("tool_name", "no_arguments")})
_RUN = ("Run", {"fields": ("outcome_label", "duration", "size", "error_text")})


class RecordChangeList(ChangeList):
    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[CallRecord]:
        # The list shows none of these, and they can be long.
        return super().get_queryset(request, exclude_parameters).defer("arguments", "claims", "rules", "error")


class CallRecordAdmin(ExportMixin, ModelAdmin):
    list_display = (
        "time",
        "client_label",
        "tool_name",
        "decision_label",
        "reason_label",
        "outcome_label",
        "duration",
    )
    list_filter = (
        record_filters.ClientFilter,
        record_filters.KindFilter,
        record_filters.NameFilter,
        record_filters.DecisionFilter,
        record_filters.ReasonFilter,
        record_filters.OutcomeFilter,
        record_filters.TimeFilter,
        SessionFilter,
    )
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    sortable_by = ()
    ordering = ("-id",)
    # Any true value shows the search box; `get_search_results` does the searching.
    search_fields = ("id",)
    search_help_text = "Record id, client name or subject"
    # Counting a million rows takes longer than showing fifty.
    paginator = InfinitePaginator
    show_full_result_count = False
    empty_text = "No calls yet: whatever clients ask for, allowed or denied, will stand here."
    empty_value_display = "—"
    actions = None
    fieldsets = (
        (None, {"fields": ("story", "record_id", "time")}),
        ("Who", {"fields": ("client_link", "subject_text", "issuer", "oauth_client", "scopes", "software")}),
        _WHAT,
        ("Decision", {"fields": ("decision_text", "reason_text", "determining_rules", "explanation", "policy_link")}),
        _RUN,
        ("Where", {"fields": ("session_link", "transport", "protocol_version", "address", "worker")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: CallRecord | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CallRecord | None = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RecordChangeList

    def get_fieldsets(self, request: HttpRequest, obj: CallRecord | None = None) -> Any:
        # What was denied did not run.
        denied = obj is not None and obj.decision == CallRecord.Decision.DENIED
        shown = _WHAT_AND_CLAIMS if obj is not None and obj.claims else _WHAT
        if not request.user.has_perm("authz_app.view_arguments"):
            shown = _WHAT_WITHOUT_ARGUMENTS
        fieldsets = [shown if fieldset is _WHAT else fieldset for fieldset in self.fieldsets]
        if not denied:
            return fieldsets
        helps = "helps_to_allow" if request.user.has_perm("authz_app.add_rule") else "helps"
        return [("What helps", {"fields": (helps,)}) if fieldset is _RUN else fieldset for fieldset in fieldsets]

    def get_readonly_fields(self, request: HttpRequest, obj: CallRecord | None = None) -> list[str]:
        return [name for _, options in self.get_fieldsets(request, obj) for name in options["fields"]]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CallRecord], search_term: str
    ) -> tuple[QuerySet[CallRecord], bool]:
        """Find by record id, or by the client as it is called now: both are indexed, the text of records is not."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if record_id := _as_uuid(term):
            return queryset.filter(pk=record_id), False
        named = Client.objects.filter(name__istartswith=term) | Client.objects.filter(subject=term)
        found = list(named.order_by().values_list("pk", flat=True)[:_FOUND_CLIENTS])
        return queryset.filter(client_id__in=found), False

    @display(description="In short")
    def story(self, record: CallRecord) -> str:
        who = visible(record.client_name or record.subject)
        if record.decision == CallRecord.Decision.DENIED:
            return f"{who} {words.wanted(record)} and was refused. {words.reason_sentence(record)}"
        outcome = words.outcome_alone(record)
        after = f" after {words.duration_words(record.duration_ms)}" if record.duration_ms is not None else ""
        lost = _LOST if record.undelivered else ""
        return f"{who} {words.done(record)}, which was allowed. Outcome: {outcome}{after}.{lost}"

    @display(description="Record id")
    def record_id(self, record: CallRecord) -> str:
        return str(record.pk)

    @display(description="Time")
    def time(self, record: CallRecord) -> str:
        return words.moment(record.at)

    @display(description="Client")
    def client_label(self, record: CallRecord) -> str:
        return visible(record.client_name or record.subject)

    @display(description="Client")
    def client_link(self, record: CallRecord) -> SafeString:
        exists = Client.objects.filter(pk=record.client_id).exists()
        context = {"name": self.client_label(record), "id": record.client_id, "exists": exists}
        return render_to_string("admin/authz_app/callrecord/client.html", context)

    @display(description="Subject")
    def subject_text(self, record: CallRecord) -> str:
        return visible(record.subject)

    @display(description="OAuth client ID")
    def oauth_client(self, record: CallRecord) -> str | None:
        return visible(record.oauth_client_id) or None

    @display(description="Token scopes")
    def scopes(self, record: CallRecord) -> str | None:
        return visible(record.token_scopes) or None

    @display(description="Client software")
    def software(self, record: CallRecord) -> SafeString | None:
        if not record.client_software:
            return None
        return format_html(
            '{} <span class="quiet">unverified: as the software names itself</span>', visible(record.client_software)
        )

    @display(description="Asked for")
    def tool_name(self, record: CallRecord) -> str:
        return words.asked_for(record)

    @display(description="Arguments")
    def arguments_text(self, record: CallRecord) -> SafeString:
        return format_html('<pre class="json">{}</pre>', words.pretty_json(record.arguments))

    @display(description="Claims that rules ask for")
    def claims_text(self, record: CallRecord) -> SafeString:
        return format_html('<pre class="json">{}</pre>', words.pretty_json(record.claims))

    @display(description="Arguments")
    def no_arguments(self, record: CallRecord) -> SafeString:
        hidden = "Hidden: they are shown to those who have the permission “Can view recorded arguments”."
        return format_html('<span class="quiet">{}</span>', hidden)

    @display(description="Decision", label=DECISION_COLOURS)
    def decision_label(self, record: CallRecord) -> tuple[str, str]:
        return record.decision, record.get_decision_display()

    @display(description="Decision")
    def decision_text(self, record: CallRecord) -> SafeString:
        return display_for_label(self.decision_label(record), "", DECISION_COLOURS)

    @display(description="Reason")
    def reason_label(self, record: CallRecord) -> str:
        return words.reason_words(record.reason)

    @display(description="Reason")
    def reason_text(self, record: CallRecord) -> str:
        return words.reason_sentence(record)

    @display(description="Deciding rules")
    def determining_rules(self, record: CallRecord) -> SafeString | None:
        rules = words.parsed_json(record.rules) or []
        if not rules:
            return None
        there = set(Rule.objects.filter(pk__in=[rule["id"] for rule in rules]).values_list("pk", flat=True))
        shown = [{**rule, "exists": rule["id"] in there} for rule in rules]
        return render_to_string("admin/authz_app/callrecord/rules.html", {"rules": shown})

    @display(description="Policy version")
    def policy_link(self, record: CallRecord) -> SafeString:
        version = record.policy_version
        link = reverse("admin:authz_app_policyedit_version", args=[max(0, version)])
        return format_html('{} <span class="quiet">·</span> <a href="{}">What it changed, and when</a>', version, link)

    @display(description="To allow it")
    def helps(self, record: CallRecord, *, may_allow: bool = False) -> SafeString:
        cure = cures.cure_of(record, cures.present([record], timezone.now()))
        context = {"cure": cure, "record_id": record.pk, "may_allow": may_allow}
        return render_to_string("admin/refusals/cure.html", context)

    @display(description="To allow it")
    def helps_to_allow(self, record: CallRecord) -> SafeString:
        return self.helps(record, may_allow=True)

    @display(description="Explanation")
    def explanation(self, record: CallRecord) -> SafeString:
        link = reverse("explain_record", args=[record.pk])
        return format_html('<a href="{}">Every rule that concerned it, and how it came out</a>', link)

    @display(description="Outcome", empty_value="—")
    def outcome_label(self, record: CallRecord) -> str | None:
        return words.outcome_words(record) or None

    @display(description="Duration", empty_value="—")
    def duration(self, record: CallRecord) -> str | None:
        return words.duration_words(record.duration_ms) or None

    @display(description="Result size")
    def size(self, record: CallRecord) -> str | None:
        return None if record.result_size is None else filesizeformat(record.result_size)

    @display(description="Error")
    def error_text(self, record: CallRecord) -> str | None:
        return visible(record.error) or None

    @display(description="MCP session")
    def session_link(self, record: CallRecord) -> SafeString | None:
        if not record.mcp_session:
            return None
        return render_to_string("admin/authz_app/callrecord/session.html", {"key": visible(record.mcp_session)})


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
