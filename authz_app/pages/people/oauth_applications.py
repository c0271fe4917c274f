"""Shows the OAuth applications that are registered at the embedded issuer in the admin."""

from collections.abc import Callable
from typing import Any

from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.models import Client as OAuthApplication
from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from authz_app.embedded_issuer.disabling import disable, enable, is_enabled
from authz_app.embedded_issuer.registration import DOCUMENT, REGISTERED
from authz_app.pages.shared.bulk import listed
from authz_app.redaction.log_lines import visible

# "Client" means something else here. The model's migrations read what its author wrote, and so see no change.
OAuthApplication._meta.verbose_name = "OAuth application"
OAuthApplication._meta.verbose_name_plural = "OAuth applications"
apps.get_app_config("allauth_idp_oidc").verbose_name = "Embedded issuer"


class OAuthApplicationForm(forms.ModelForm):  # type: ignore[type-arg]  # Not generic when it runs.
    class Meta:
        labels = {"id": "OAuth client ID", "redirect_uris": "Redirect URIs", "scopes": "Token scopes"}
        help_texts = {
            "type": "Confidential: it can keep a secret. Public: it runs where anybody could read one.",
            "grant_types": "One a line: client_credentials for a service, authorization_code and refresh_token for"
            " people.",
            "scopes": "The token scopes that it may ask for, one a line. For people's: whoever signs in may grant them."
            " One that registered itself may also be granted those that rules ask of the very person who grants.",
            "default_scopes": "The token scopes that it gets when it asks for none, one a line.",
            "redirect_uris": "Where the browser may return to, one a line.",
            "response_types": "One a line. Leave it at code.",
            "cors_origins": "Origins whose pages may ask for tokens, one a line.",
            "skip_consent": "Do not ask people for their consent.",
            "owner": "Whose application it is, if anybody's.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "scopes" in self.fields:
            self.fields["scopes"].required = False


class RegisteredFilter(admin.SimpleListFilter):
    title = "registration"
    parameter_name = "registered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("itself", "Registered itself"), ("document", "By its document"), ("here", "By an administrator")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OAuthApplication]) -> QuerySet[OAuthApplication]:
        itself, document = Q(**{f"data__{REGISTERED}": True}), Q(**{f"data__{DOCUMENT}": True})
        wanted = {"itself": itself, "document": document}.get(self.value() or "")
        if self.value() == "here":
            # A query on JSON leaves out the rows that have none.
            return queryset.exclude(pk__in=queryset.filter(itself | document).values("pk"))
        return queryset if wanted is None else queryset.filter(wanted)


class OAuthApplicationAdmin(ModelAdmin):
    form = OAuthApplicationForm
    list_display = ("shown_name", "shown_id", "registered_label", "state_label", "grants", "created_at")
    list_filter = (RegisteredFilter, ("type", ChoicesCheckboxFilter))
    actions = ("switch_on", "switch_off")
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("id", "name")
    empty_text = "No OAuth applications yet: each program that asks the embedded issuer for tokens needs one."
    raw_id_fields = ("owner",)
    fieldsets = (
        (None, {"fields": ("name", "id", "registered", "type")}),
        ("Tokens", {"fields": ("grant_types", "scopes", "default_scopes")}),
        (
            "Sign-in by browser",
            {"fields": ("redirect_uris", "response_types", "cors_origins", "allow_uri_wildcards", "skip_consent")},
        ),
        ("Owner", {"fields": ("owner",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: OAuthApplication | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("registered",)
        return ("id", "registered") if is_enabled(obj) else ("id", "registered", "grant_types")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        grant = OAuthApplication.GrantType.CLIENT_CREDENTIALS.value
        return {"grant_types": grant, "scopes": "", **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: OAuthApplication, form: Any, change: bool) -> None:
        if not change:
            secret = get_adapter().generate_client_secret()
            obj.set_secret(secret)
            shown = format_html("The client secret, shown this once: <code>{}</code>", secret)
            self.message_user(request, shown, messages.WARNING)
        super().save_model(request, obj, form, change)

    @display(description="Name", ordering="name")
    def shown_name(self, application: OAuthApplication) -> str:
        return visible(application.name)

    @display(description="OAuth client ID", ordering="id")
    def shown_id(self, application: OAuthApplication) -> str:
        return visible(application.pk)

    @display(description="Registered")
    def registered(self, application: OAuthApplication) -> str:
        return {
            "itself": "By itself: its name and addresses are what it says, and nobody has checked them.",
            "document": "By the document at its OAuth client ID, which is read anew every hour: changes of its name and"
            " addresses here do not last.",
        }.get(_registered(application), "By an administrator.")

    @display(description="Registered", label={"itself": "warning", "document": "warning", "here": "success"})
    def registered_label(self, application: OAuthApplication) -> tuple[str, str]:
        how = _registered(application)
        return how, {"itself": "Itself", "document": "Document"}.get(how, "Administrator")

    @display(description="Switched on", label={True: "success", False: "danger"})
    def state_label(self, application: OAuthApplication) -> tuple[bool, str]:
        return is_enabled(application), "On" if is_enabled(application) else "Off"

    @display(description="Grants")
    def grants(self, application: OAuthApplication) -> str:
        return ", ".join(name.rpartition(":")[2] for name in application.get_grant_types())

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[OAuthApplication]) -> None:
        self._switch(
            request, [one for one in queryset if not is_enabled(one)], enable, "on", "They may be granted tokens."
        )

    @admin.action(description="Switch off", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[OAuthApplication]) -> None:
        self._switch(request, [one for one in queryset if is_enabled(one)], disable, "off", _OFF)

    def _switch(
        self,
        request: HttpRequest,
        changed: list[OAuthApplication],
        switch: Callable[[OAuthApplication], None],
        word: str,
        consequence: str,
    ) -> None:
        for application in changed:
            switch(application)
        if not changed:
            self.message_user(request, f"Nothing changed: already {word}.", messages.INFO)
            return
        LogEntry.objects.log_actions(str(request.user.pk), changed, CHANGE, f"Now {word}.")
        names = listed([visible(one.name) for one in changed])
        self.message_user(request, f"Now {word}: {names}. {consequence}", messages.SUCCESS)


_OFF = (
    "They get no further tokens. Access tokens that they have are good until they expire, an hour at most: to refuse a"
    " person's or a service's calls at once, block the client."
)


def _registered(application: OAuthApplication) -> str:
    data = application.data if isinstance(application.data, dict) else {}
    return "itself" if data.get(REGISTERED) else "document" if data.get(DOCUMENT) else "here"
