"""Shows clients in the admin: who they are, whether they may call at all, and which rules name them."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AllValuesCheckboxFilter, ChoicesCheckboxFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from authz_app.conf import conf
from authz_app.models import LONG_COLUMNS, CallRecord, Client
from authz_app.pages.shared.bulk import listed, set_on_rows
from authz_app.pages.shared.ids import OnlyFitIds
from authz_app.pages.shared.policy_history import PolicyHistoryMixin
from authz_app.pages.shared.words import asked_for, moment, outcome_words, reason_words
from authz_app.policy_store.client_deletion import why_kept
from authz_app.redaction.log_lines import visible

STATUS_COLOURS = {
    Client.Status.ACTIVE.value: "success",
    Client.Status.PENDING.value: "warning",
    Client.Status.BLOCKED.value: "danger",
}
_LAST_CALLS = 10


class IssuerFilter(AllValuesCheckboxFilter):
    title = "issuer"


class ClientAdmin(PolicyHistoryMixin, OnlyFitIds, ModelAdmin):
    history_filter = "client"
    list_display = ("shown_name", "subject", "issuer", "kind", "status_label", "seen_last", "rule_count")
    list_filter = (("status", ChoicesCheckboxFilter), ("kind", ChoicesCheckboxFilter), ("issuer", IssuerFilter))
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("name", "subject")
    search_help_text = "Name or subject"
    empty_text = "No clients yet: each registers itself with its first call, or is added here beforehand."
    actions = ("make_active", "block")
    readonly_fields = ("seen_first", "seen_last", "rules_naming_it", "last_calls")
    fieldsets = (
        (None, {"fields": ("name", "status", "kind", "notes")}),
        (
            "Token",
            {
                "fields": ("issuer", "subject"),
                "description": "A token is this client's if it names exactly this issuer and subject.",
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Client | None = None) -> Any:
        if obj is None:
            return self.fieldsets
        rules = [("Rules", {"fields": ("rules_naming_it",)})] if request.user.has_perm("authz_app.view_rule") else []
        seen = ("seen_first", "seen_last")
        last_calls = ("last_calls",) if request.user.has_perm("authz_app.view_callrecord") else ()
        return [*self.fieldsets, *rules, ("Calls", {"fields": (*seen, *last_calls)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Client | None = None) -> Sequence[str]:
        return (*self.readonly_fields, "issuer", "subject") if obj else self.readonly_fields

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        trusted = [(issuer.issuer, issuer.issuer) for issuer in conf().trusted_issuers]
        if db_field.name == "issuer" and trusted:
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=trusted)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        # The rules' sentences name their clients, on this page and where a deletion is refused.
        return super().get_queryset(request).prefetch_related("rules__clients")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        objects, counts, lacking, protected = super().get_deleted_objects(objs, request)
        kept = [reason for client in objs for reason in why_kept(client)]
        return objects, counts, lacking, kept or protected

    @display(description="Name", ordering="name")
    def shown_name(self, client: Client) -> str:
        return visible(str(client))

    @display(description="Status", ordering="status", label=STATUS_COLOURS)
    def status_label(self, client: Client) -> tuple[str, str]:
        return client.status, client.get_status_display()

    @display(description="Rules", empty_value="—")
    def rule_count(self, client: Client) -> int | None:
        return len(client.rules.all()) or None

    @display(description="First seen", ordering="first_seen")
    def seen_first(self, client: Client) -> str:
        return moment(client.first_seen) or "Never"

    @display(description="Last seen", ordering="last_seen")
    def seen_last(self, client: Client) -> str:
        return moment(client.last_seen) or "Never"

    @display(description="Named by")
    def rules_naming_it(self, client: Client) -> SafeString:
        return render_to_string("admin/authz_app/client/rules.html", {"rules": client.rules.all()})

    @display(description="Last calls")
    def last_calls(self, client: Client) -> SafeString:
        records = CallRecord.objects.filter(client_id=client.pk).defer(*LONG_COLUMNS)[:_LAST_CALLS]
        calls = [
            {
                "url": reverse("admin:authz_app_callrecord_change", args=[record.pk]),
                "at": moment(record.at),
                "tool": asked_for(record),
                "decision": record.decision,
                "words": outcome_words(record) or reason_words(record.reason),
            }
            for record in records
        ]
        return render_to_string("admin/authz_app/client/calls.html", {"calls": calls, "client": client})

    @admin.action(description="Make active", permissions=["change"])
    def make_active(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        self._set_status(request, queryset, Client.Status.ACTIVE, "From now on the rules decide about their calls.")

    @admin.action(description="Block", permissions=["change"])
    def block(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        consequence = "Every call of theirs is refused from now on, and their open sessions end."
        self._set_status(request, queryset, Client.Status.BLOCKED, consequence)

    def _set_status(
        self, request: HttpRequest, queryset: QuerySet[Client], status: Client.Status, consequence: str
    ) -> None:
        word = status.label.lower()
        if changed := set_on_rows(request, queryset, "status", status, word):
            self.message_user(request, f"Now {word}: {listed(changed)}. {consequence}", messages.SUCCESS)
