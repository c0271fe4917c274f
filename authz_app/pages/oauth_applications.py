"""Admin pages of the applications that are registered at the embedded issuer."""

from typing import Any

from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.models import Client as OAuthApplication
from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesCheckboxFilter

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
            "scopes": "The token scopes that it may ask for, one a line.",
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


class OAuthApplicationAdmin(ModelAdmin):
    form = OAuthApplicationForm
    list_display = ("name", "id", "type", "grants", "created_at")
    list_filter = (("type", ChoicesCheckboxFilter),)
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("id", "name")
    empty_text = "No OAuth applications yet: each program that asks the embedded issuer for tokens needs one."
    raw_id_fields = ("owner",)
    fieldsets = (
        (None, {"fields": ("name", "id", "type")}),
        ("Tokens", {"fields": ("grant_types", "scopes", "default_scopes")}),
        (
            "Sign-in by browser",
            {"fields": ("redirect_uris", "response_types", "cors_origins", "allow_uri_wildcards", "skip_consent")},
        ),
        ("Owner", {"fields": ("owner",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: OAuthApplication | None = None) -> tuple[str, ...]:
        return ("id",) if obj else ()

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

    def grants(self, application: OAuthApplication) -> str:
        return ", ".join(application.get_grant_types())
