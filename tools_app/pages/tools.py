"""Shows tools, resources and prompts in the admin: what each does, its switch, and what of its calls is recorded."""

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import display

from authz_app.pages.shared.bulk import listed, set_on_rows
from authz_app.pages.shared.ids import OnlyFitIds
from authz_app.pages.shared.policy_history import PolicyHistoryMixin
from authz_app.policy_store.loading import known_kind
from authz_app.redaction.audit_level import (
    DEFAULT_RECORDING,
    AuditLevel,
    BadPath,
    Recording,
    override_of,
    read_paths,
    written,
)
from tools_app.models import Tool
from tools_app.registry import registered

_LEVELS = {
    AuditLevel.METADATA: "who called, what was decided and how it ended; neither arguments nor results, nor what the"
    " {} says of an error",
    AuditLevel.ARGUMENTS: "the arguments too, and no results",
    AuditLevel.RESULT: "the arguments and the results too",
}
_SHORT = {AuditLevel.METADATA: "metadata", AuditLevel.ARGUMENTS: "arguments", AuditLevel.RESULT: "arguments and result"}


class ToolForm(forms.ModelForm):  # type: ignore[type-arg]  # Not generic when it runs.
    class Meta:
        model = Tool
        fields = ("enabled", "recorded", "redacted")

    def clean_redacted(self) -> str:
        try:
            return "\n".join(written(path) for path in read_paths(self.cleaned_data["redacted"].splitlines()))
        except BadPath as error:
            raise forms.ValidationError(str(error)) from error


class ToolAdmin(PolicyHistoryMixin, OnlyFitIds, ModelAdmin):
    form = ToolForm
    history_filter = "tool"
    list_display = ("name", "kind_label", "first_line", "enabled_label", "gone_label")
    list_filter = (
        ("kind", ChoicesCheckboxFilter),
        ("enabled", BooleanRadioFilter),
        ("recorded", ChoicesCheckboxFilter),
        ("gone", BooleanRadioFilter),
    )
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("name", "description")
    search_help_text = "Name or description"
    empty_text = (
        "Nothing yet: a function with @tool, @resource or @prompt in an app's mcp_tools.py appears here after migrate."
    )
    actions = ("switch_on", "switch_off")
    radio_fields = {"recorded": admin.VERTICAL}
    fieldsets = (
        (None, {"fields": ("name", "kind_label", "enabled", "whole_description", "registered", "first_seen")}),
        ("Its records", {"fields": ("recorded_now", "authors_choice", "recorded", "redacted")}),
    )
    readonly_fields = (
        "name",
        "kind_label",
        "whole_description",
        "registered",
        "first_seen",
        "recorded_now",
        "authors_choice",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tool | None = None) -> bool:
        return False

    @display(description="Kind")
    def kind_label(self, tool: Tool) -> str:
        return tool.get_kind_display()

    @display(description="Description", empty_value="—")
    def first_line(self, tool: Tool) -> str | None:
        lines = tool.description.strip().splitlines()
        return truncatechars(lines[0], 90) if lines else None

    @display(description="Description", empty_value="—")
    def whole_description(self, tool: Tool) -> str:
        return tool.description.strip()

    @display(description="Registered")
    def registered(self, tool: Tool) -> str:
        return f"No installed app registers it any more; {tool.module} did." if tool.gone else f"By {tool.module}."

    @display(description="Now")
    def recorded_now(self, tool: Tool) -> str:
        """What records of its next call will hold."""
        recording = override_of(tool.recorded, tool.redacted).applied_to(_authors_choice(tool) or DEFAULT_RECORDING)
        held = f"Records hold {_LEVELS[recording.level].format(tool.get_kind_display().lower())}."
        if recording.level is AuditLevel.METADATA:
            return held
        besides = f", and so is {', '.join(map(written, recording.paths))}" if recording.paths else ""
        return f"{held} What has the name or the shape of a secret is taken out{besides}."

    @display(description="Its author")
    def authors_choice(self, tool: Tool) -> str:
        choice = _authors_choice(tool)
        if choice is None:
            return "Not known: no installed app registers it."
        kept_out = f"; never {', '.join(map(written, choice.paths))}" if choice.paths else ""
        return f"Says {_SHORT[choice.level]}{kept_out}."

    @display(description="Switched on", ordering="enabled", label={True: "success", False: "danger"})
    def enabled_label(self, tool: Tool) -> tuple[bool, str]:
        return tool.enabled, "On" if tool.enabled else "Off"

    @display(description="Registered", ordering="gone", label={True: "warning", False: "default"})
    def gone_label(self, tool: Tool) -> tuple[bool, str]:
        return tool.gone, "Gone" if tool.gone else "Yes"

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Tool]) -> None:
        self._switch(request, queryset, enabled=True)

    @admin.action(description="Switch off", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Tool]) -> None:
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Tool], *, enabled: bool) -> None:
        word = "on" if enabled else "off"
        if changed := set_on_rows(request, queryset, "enabled", enabled, word):
            then = "rules decide about its calls" if enabled else "it is refused to everybody"
            self.message_user(
                request, f"Now {word}: {listed(changed)}. From the next call on, {then}.", messages.SUCCESS
            )


def _authors_choice(tool: Tool) -> Recording | None:
    kind = known_kind(tool.kind)
    found = registered(kind).get(tool.name) if kind is not None else None
    return None if found is None else found.recording
