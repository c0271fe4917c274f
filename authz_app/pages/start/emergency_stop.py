"""Stops all calls in the admin, with a reason, and lets them go on."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import UnfoldAdminTextareaWidget

from authz_app.pages.shared.words import moment
from authz_app.policy_store import emergency_stop

_LONGEST_WHY = 1000


class StopForm(forms.Form):
    why = forms.CharField(
        label="Why",
        max_length=_LONGEST_WHY,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Shown on every page of the admin, with your name, for as long as calls are stopped.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest) -> HttpResponse:
    _may(request)
    if emergency_stop.in_force().exists():
        messages.info(request, "Nothing changed: all calls are stopped already.")
        return redirect("admin:index")
    form = StopForm(request.POST or None)
    if not form.is_valid():
        context = {"title": "Stop all calls", "form": form}
        return render(request, "admin/emergency_stop/stop.html", {**admin.site.each_context(request), **context})
    why = form.cleaned_data["why"]
    with transaction.atomic():
        rule = emergency_stop.stop(request.user.get_username(), why)
        LogEntry.objects.log_actions(str(request.user.pk), [rule], ADDITION, f"Stopped all calls: {why}")
    return redirect("admin:index")


@require_POST
def go_on(request: HttpRequest) -> HttpResponse:
    _may(request)
    with transaction.atomic():
        rules = list(emergency_stop.in_force())
        for rule in rules:
            message = f"Let calls go on, which {rule.stopped_by} had stopped: {rule.note}"
            LogEntry.objects.log_actions(str(request.user.pk), [rule], DELETION, message)
            rule.delete()
    if rules:
        messages.success(request, "Calls go on: from the next one, the rules decide again.")
    else:
        messages.info(request, "Nothing changed: calls were not stopped.")
    return redirect("admin:index")


def _may(request: HttpRequest) -> None:
    if not may_stop(request.user):
        raise PermissionDenied


def may_stop(user: Any) -> bool:
    """Say whether a person may stop all calls and let them go on: whoever may change rules."""
    return bool(user.has_perm("authz_app.change_rule"))


def banner(request: HttpRequest) -> dict[str, Any]:
    """Collect what every page of the admin says while all calls are stopped; empty where they are not."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not user.is_staff:
        return {}
    rule = emergency_stop.in_force().order_by("pk").first()
    if rule is None:
        return {}
    return {"who": rule.stopped_by, "at": moment(rule.created_at), "why": rule.note, "may_stop": may_stop(user)}
