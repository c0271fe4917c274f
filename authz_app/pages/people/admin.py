"""Shows the people who sign in to this site, and their groups, in the admin."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin, UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from authz_app.embedded_issuer.subjects import client_of
from authz_app.models import User
from authz_app.pages.shared.ids import OnlyFitIds


class UserAdmin(OnlyFitIds, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg,misc]  # Not generic when it runs.
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_staff", "is_superuser", "is_active", "last_login")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active and "is_active" in form.changed_data:
            self.message_user(request, _still_good(obj), messages.WARNING)


def _still_good(user: User) -> SafeString | str:
    text = (
        "No access token is issued for {} any more, nor renewed. Those issued before are good until they expire,"
        " in an hour at most."
    )
    client = client_of(user)
    if client is None:
        return format_html(text, user)
    path = reverse("admin:authz_app_client_change", args=[client.pk])
    return format_html(f'{text} To refuse them at once, <a href="{{}}">block the client</a>.', user, path)


class GroupAdmin(OnlyFitIds, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    list_display = ("name",)
