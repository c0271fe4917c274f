"""Shows rules in the admin: each reads as one sentence, in the list and while it is edited."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.defaultfilters import truncatechars
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesCheckboxFilter, RadioFilter
from unfold.decorators import display

from authz_app.models import Rule
from authz_app.pages.rules.form import RuleForm, preview
from authz_app.pages.shared.bulk import listed, set_on_rows
from authz_app.pages.shared.ids import OnlyFitIds
from authz_app.pages.shared.policy_history import PolicyHistoryMixin

_WITHOUT_IT = " Without it, calls that it denied may be allowed."
_OFF_IS_MORE = " Switching off a deny rule may allow calls that it denied."


class WindowFilter(RadioFilter):
    """Filters rules by whether their window is open now."""

    title = "window"
    parameter_name = "window"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open now, or always"), ("later", "Opens later"), ("over", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> QuerySet[Rule]:
        now = timezone.now()
        over, later = Q(valid_until__lte=now), Q(valid_from__gt=now)
        match self.value():
            case "open":
                return queryset.exclude(over).exclude(later)
            case "later":
                return queryset.filter(later).exclude(over)
            case "over":
                return queryset.filter(over)
        return queryset


class RuleAdmin(PolicyHistoryMixin, OnlyFitIds, ModelAdmin):
    history_filter = "rule"
    form = RuleForm
    radio_fields = {
        "effect": admin.HORIZONTAL,
        "applies_to": admin.HORIZONTAL,
        "kind": admin.HORIZONTAL,
        "limit_per": admin.HORIZONTAL,
    }
    list_display = ("sentence", "effect_label", "enabled_label", "window", "short_note")
    list_filter = (
        ("effect", ChoicesCheckboxFilter),
        ("applies_to", ChoicesCheckboxFilter),
        ("kind", ChoicesCheckboxFilter),
        ("enabled", BooleanRadioFilter),
        WindowFilter,
    )
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("tools", "token_scopes", "conditions", "note", "clients__name", "clients__subject")
    search_help_text = "Name, client, token scope, condition or note"
    empty_text = "No rules yet: nobody may call anything until a rule allows it."
    actions = ("switch_on", "switch_off")
    list_before_template = "admin/emergency_stop/link.html"
    change_form_before_template = "admin/authz_app/rule/sentence.html"
    fieldsets = (
        (None, {"fields": ("effect", "limit_calls", "limit_period", "limit_per")}),
        (None, {"fields": ("applies_to", "for_clients", "kind", "tools")}),
        (None, {"fields": ("token_scopes", "listed_without_scopes", "conditions")}),
        (None, {"fields": ("valid_from", "valid_until", "enabled", "note")}),
    )

    class Media:
        js = ("authz_app/rule_form.js",)

    def get_urls(self) -> list[URLPattern]:
        sentence = path("sentence/", self.admin_site.admin_view(self.sentence_view), name="authz_app_rule_sentence")
        return [sentence, *super().get_urls()]

    @method_decorator(require_POST)
    def sentence_view(self, request: HttpRequest) -> HttpResponse:
        """Answer with the sentence of the rule in the posted form, as JSON. Saves nothing."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        return JsonResponse(preview(self.get_form(request)(request.POST)))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        # No address fills the form in: a link from elsewhere would propose a rule.
        return {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        # Each sentence names the rule's clients.
        return super().get_queryset(request).prefetch_related("clients")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.clients.set(form.cleaned_data["for_clients"])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        _, _, lacking, protected = super().get_deleted_objects(objs, request)
        sentences = [f"{rule}: {rule.sentence()}{_WITHOUT_IT if rule.effect == 'deny' else ''}" for rule in objs]
        return sentences, {"rules": len(sentences)}, lacking, protected

    @display(description="Rule", ordering="pk")
    def sentence(self, rule: Rule) -> str:
        return rule.sentence()

    @display(description="Effect", ordering="effect", label={"allow": "success", "deny": "danger", "limit": "warning"})
    def effect_label(self, rule: Rule) -> tuple[str, str]:
        return rule.effect, rule.get_effect_display()

    @display(description="Enabled", ordering="enabled", label={True: "info", False: "default"})
    def enabled_label(self, rule: Rule) -> tuple[bool, str]:
        return rule.enabled, "On" if rule.enabled else "Off"

    @display(description="Window", empty_value="—")
    def window(self, rule: Rule) -> str | None:
        """Say whether the rule's window has begun or ended; empty where it has none."""
        return rule.window_state(timezone.now()) or None

    @display(description="Note", empty_value="—")
    def short_note(self, rule: Rule) -> str | None:
        return truncatechars(rule.note, 60) or None

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._switch(request, queryset, enabled=True)

    @admin.action(description="Switch off", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Rule], *, enabled: bool) -> None:
        word = "on" if enabled else "off"
        changed = set_on_rows(request, queryset, "enabled", enabled, word)
        if not changed:
            return
        denies = not enabled and any(rule.effect == Rule.Effect.DENY for rule in changed)
        message = f"Now {word}: {listed(changed)}. It holds from the next call on.{_OFF_IS_MORE if denies else ''}"
        self.message_user(request, message, messages.WARNING if denies else messages.SUCCESS)
