"""Makes a rule of a refusal, which allows the client what it was refused: for a while, and with a reason."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from authz_app.models import CallRecord, Rule
from authz_app.pages.refusals.remedies import current_state, remedy_of
from authz_app.pages.rules.form import RuleForm, preview
from authz_app.pages.shared.words import moment, reason_sentence, wanted
from authz_app.redaction.log_lines import visible

SPANS = {
    "hour": ("An hour", timedelta(hours=1)),
    "shift": ("Eight hours", timedelta(hours=8)),
    "month": ("Thirty days", timedelta(days=30)),
    "ever": ("For good", None),
}
_LONGEST_WHY = 1000


class AllowForm(forms.Form):
    """Asks for how long it is allowed, with which token scopes, and why."""

    span = forms.ChoiceField(
        label="For how long",
        choices=[(name, words) for name, (words, _) in SPANS.items()],
        initial="hour",
        widget=UnfoldAdminRadioSelectWidget,
    )
    token_scopes = forms.CharField(
        label="Token scopes",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The token must carry all of these, separated by spaces. None: no scope is needed.",
    )
    why = forms.CharField(
        label="Why",
        max_length=_LONGEST_WHY,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept as the rule's note, with your name.",
    )

    def until(self, now: datetime) -> datetime | None:
        """Compute when the permission ends; None if never."""
        span = SPANS[self.cleaned_data["span"]][1]
        return None if span is None else (now + span).replace(microsecond=0)


def allow(request: HttpRequest, record_id: UUID) -> HttpResponse:
    """Show the form for a denied record and make the rule; where no rule would help, say what would."""
    if not request.user.has_perms(["authz_app.view_callrecord", "authz_app.add_rule"]):
        raise PermissionDenied
    record = CallRecord.objects.filter(pk=record_id, decision=CallRecord.Decision.DENIED).first()
    if record is None:
        raise Http404
    remedy = remedy_of(record, current_state([record], timezone.now()))
    form = AllowForm(request.POST or None)
    if remedy.allows and form.is_valid() and (rule := _made(request, record, remedy.allows, form)):
        messages.success(request, f"{rule}: {rule.sentence()} It holds from the next call on.")
        return redirect("refusals")
    context = {
        "title": "Allow what was refused",
        "record": record,
        "who": visible(record.client_name or record.subject),
        "wanted": wanted(record),
        "at": moment(record.at),
        "reason": reason_sentence(record),
        "token_scopes": visible(record.token_scopes),
        "remedy": remedy,
        "sentence": preview(RuleForm(_rule(record, remedy.allows)))["sentence"] if remedy.allows else "",
        "form": form,
    }
    return render(request, "admin/refusals/allow.html", {**admin.site.each_context(request), **context})


def _rule(record: CallRecord, kind: str, **terms: Any) -> dict[str, Any]:
    """Describe the rule that would have allowed it, as data of the rule's form."""
    return {
        "effect": Rule.Effect.ALLOW,
        "applies_to": Rule.AppliesTo.THESE_CLIENTS,
        "for_clients": [record.client_id],
        "kind": kind,
        "tools": record.tool,
        "enabled": True,
        **terms,
    }


def _made(request: HttpRequest, record: CallRecord, kind: str, form: AllowForm) -> Rule | None:
    """Save and log the rule; None where the rule's form refuses it, whose errors ``form`` then has."""
    cleaned = form.cleaned_data
    rule_form = RuleForm(
        _rule(
            record,
            kind,
            token_scopes=cleaned["token_scopes"],
            valid_until=form.until(timezone.now()),
            note=f"{cleaned['why']}\n\nAllowed by {request.user.get_username()}, of the refusal {record.pk}.",
        )
    )
    if not rule_form.is_valid():
        for name, errors in rule_form.errors.items():
            form.add_error(name if name in form.fields else None, list(errors))
        return None
    span = SPANS[cleaned["span"]][0].lower()
    message = f"Made of the refusal {record.pk} ({span}): {cleaned['why']}"
    with transaction.atomic():
        rule: Rule = rule_form.save()
        rule.clients.set(rule_form.cleaned_data["for_clients"])
        LogEntry.objects.log_actions(str(request.user.pk), [rule], ADDITION, message)
    return rule
