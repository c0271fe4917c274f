"""Defines the form in which somebody asks for an explanation: who, what and when."""

from dataclasses import dataclass
from typing import Any

import orjson
from django import forms
from django.contrib import admin
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from authz_app import json_text
from authz_app.core.strict_json import JsonRefused, parse
from authz_app.explain.simulated_principal import BadIdentity, principal_for
from authz_app.history.past import NotInHistory
from authz_app.models import Client, Rule, RuleClient
from authz_app.pages.shared.ids import ChooseOne
from authz_app.policy.principal import Principal
from authz_app.tokens.access_token import MAX_TOKEN_LENGTH
from tools_app.explain.as_json import as_json
from tools_app.explain.explain import access_request_about, explained, moment_of
from tools_app.worker.process import process_worker

_DEPTH = 16
_LONGEST = 100_000
_FEW_LINES = {"rows": 3, "autocomplete": "off", "spellcheck": "false"}


class NeverShown(UnfoldAdminTextareaWidget):
    """Keeps what is typed from coming back with the page."""

    def format_value(self, value: Any) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class ShownExplanation:
    """An explanation, and the claims of the token that was pasted, where one was: enough to ask on without it."""

    explanation: dict[str, Any]
    claims: str | None


class ExplainForm(forms.Form):
    client = forms.ModelChoiceField(
        Client.objects.all(),
        required=False,
        widget=ChooseOne(RuleClient._meta.get_field("client"), admin.site),
        help_text="Somebody who was seen here, or was added.",
    )
    token_scopes = forms.CharField(
        max_length=4_000,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Scopes that the token carries, besides those in its claims.",
    )
    claims = forms.CharField(
        max_length=_LONGEST,
        required=False,
        widget=UnfoldAdminTextareaWidget(_FEW_LINES),
        help_text='Claims of the token, as a JSON object: {"department": "sales"}. Without a client, with iss and sub.',
    )
    token = forms.CharField(
        label="Or a token",
        max_length=MAX_TOKEN_LENGTH,
        required=False,
        widget=NeverShown(_FEW_LINES),
        help_text="Instead of all this: an access token. It is verified as with a call, and not kept.",
    )
    kind = forms.ChoiceField(
        choices=[("tool", "Tool"), ("resource", "Resource"), ("prompt", "Prompt")],
        initial=Rule.Kind.TOOL.value,
        widget=UnfoldAdminRadioSelectWidget,
    )
    name = forms.CharField(
        max_length=4_000,
        widget=UnfoldAdminTextInputWidget({"list": "known-names", "autocomplete": "off"}),
        help_text="Of the tool, the prompt or the resource; or the resource's URI.",
    )
    arguments = forms.CharField(
        max_length=_LONGEST,
        required=False,
        widget=UnfoldAdminTextareaWidget(_FEW_LINES),
        help_text='As a JSON object: {"city": "Paris"}, or {} for none. Left empty: whether any would do.',
    )
    at = forms.SplitDateTimeField(
        label="When",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="Now, if left empty. The past is answered by the policy of that moment.",
    )

    def clean_claims(self) -> dict[str, Any] | None:
        return _json_object(self.cleaned_data["claims"])

    def clean_arguments(self) -> dict[str, Any] | None:
        return _json_object(self.cleaned_data["arguments"])

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        return name.strip()

    def answer(self) -> ShownExplanation | None:
        """The explanation; None where the form has errors, which then stand beside their fields."""
        if not self.is_valid():
            return None
        typed = self.cleaned_data
        try:
            principal = self._caller()
            moment = moment_of(typed["at"], principal, process_worker().dependencies.policy.in_memory)
        except BadIdentity as error:
            self.add_error(error.part, str(error))
            return None
        except NotInHistory as error:
            self.add_error("at", str(error))
            return None
        request, arguments = access_request_about(typed["kind"], typed["name"], typed["arguments"])
        explanation = as_json(explained(principal, request, arguments, moment))
        return ShownExplanation(explanation, _indented({**principal.claims}) if typed["token"] else None)

    def _caller(self) -> Principal:
        typed = self.cleaned_data
        client = (typed["client"].issuer, typed["client"].subject) if typed["client"] else None
        token = typed["token"].strip().removeprefix("Bearer ").strip()
        return principal_for(client, typed["claims"], token, typed["token_scopes"].split())


def _json_object(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return None
    try:
        value = parse(text.encode("utf-8", "surrogatepass"), _DEPTH)
    except JsonRefused as error:
        raise forms.ValidationError("This is no JSON: %(why)s.", params={"why": error}) from error
    if not isinstance(value, dict):
        raise forms.ValidationError('This is no JSON object, such as {"name": "value"}.')
    return value


def _indented(value: dict[str, Any]) -> str:
    return json_text.dumps(value, option=orjson.OPT_INDENT_2).decode()
