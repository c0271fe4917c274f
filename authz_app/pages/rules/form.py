"""Edits a rule, and shows its sentence meanwhile."""

import re
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.utils import timezone

from authz_app.models import Client, Rule
from authz_app.pages.rules.conditions_field import ConditionsField
from authz_app.pages.shared.ids import ChooseSeveral, SeveralField
from authz_app.policy.compilation import compile_rule
from authz_app.policy.globs import matches
from authz_app.policy.rule import EVERY_KIND
from authz_app.policy.sentence import one_of
from authz_app.policy_store.tool_port import tool_names

# RFC 6749 section 3.3: visible ASCII without the quotation mark and the backslash.
_TOKEN_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
# What the name of a tool, a resource or a prompt may have, and the characters of globs.
_NAME = re.compile(r"[A-Za-z0-9_.\-*?\[\]!]{1,128}")


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]  # Not generic when it runs.
    """Edits a rule and its clients. The admin saves these: Django's forms leave a ``through`` model alone."""

    for_clients = SeveralField(
        Client.objects.all(),
        label="Clients",
        required=False,
        widget=ChooseSeveral(Rule._meta.get_field("clients"), admin.site),
        help_text="With none left, the rule is for nobody.",
    )
    conditions = ConditionsField(required=False, help_text=Rule._meta.get_field("conditions").help_text)

    class Meta:
        model = Rule
        fields = (
            "effect",
            "applies_to",
            "kind",
            "token_scopes",
            "listed_without_scopes",
            "tools",
            "conditions",
            "valid_from",
            "valid_until",
            "limit_calls",
            "limit_period",
            "limit_per",
            "enabled",
            "note",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.setdefault("for_clients", [client.pk for client in self.instance.clients.all()])
        if "kind" in self.fields:  # not where the person may only look
            self.fields["kind"].required = False
            per = self.fields["limit_per"]
            per.choices, per.initial = Rule.Per.choices, Rule.Per.CLIENT.value  # type: ignore[attr-defined]

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or Rule.Kind.TOOL.value

    def clean_token_scopes(self) -> str:
        scopes = list(dict.fromkeys(self.cleaned_data["token_scopes"].split()))
        for scope in scopes:
            if not _TOKEN_SCOPE.fullmatch(scope):
                raise forms.ValidationError(
                    "%(scope)s is no token scope: those have visible ASCII characters only, without quotation marks"
                    " and backslashes.",
                    params={"scope": scope},
                )
        return " ".join(scopes)

    def clean_tools(self) -> str:
        lines = dict.fromkeys(line.strip() for line in self.cleaned_data["tools"].splitlines())
        names = [line for line in lines if line]
        for name in names:
            if not _NAME.fullmatch(name):
                raise forms.ValidationError(
                    "%(name)s is no name: put each on a line of its own, with letters, digits, “_”, “-” and “.” only,"
                    " or “*”, “?” and “[…]” for a glob, 128 characters at most.",
                    params={"name": name},
                )
        return "\n".join(names)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("applies_to") == Rule.AppliesTo.EVERY_CLIENT:
            cleaned["for_clients"] = Client.objects.none()
        if cleaned.get("effect") != Rule.Effect.ALLOW or not cleaned.get("token_scopes"):
            cleaned["listed_without_scopes"] = False
        if cleaned.get("effect") == Rule.Effect.LIMIT:
            self._check_limit(cleaned)
        else:
            cleaned |= {"limit_calls": None, "limit_period": "", "limit_per": ""}
        return cleaned

    def _check_limit(self, cleaned: dict[str, Any]) -> None:
        cleaned["limit_per"] = cleaned.get("limit_per") or Rule.Per.CLIENT.value
        if cleaned.get("limit_calls") is None and "limit_calls" not in self.errors:
            self.add_error("limit_calls", "A limit rule needs a number of calls.")
        if not cleaned.get("limit_period") and "limit_period" not in self.errors:
            self.add_error("limit_period", "A limit rule needs a period: a minute, an hour or a day.")


def preview(form: RuleForm) -> dict[str, Any]:
    """Compute the sentence of the rule that the form would save, with warnings; or say what is wrong with the form."""
    if not form.is_valid():
        errors = [f"{form[name].label if name in form.fields else 'Rule'}: {error}" for name, error in _errors(form)]
        return {"sentence": "", "warnings": errors}
    rule = form.cleaned_data
    named = [(client.pk, str(client)) for client in rule["for_clients"]]
    sentence = compile_rule(form.instance.row(), named).sentence
    off = [] if rule["enabled"] else ["It is switched off, so it decides nothing."]
    window = _never_open(rule["valid_from"], rule["valid_until"], timezone.now())
    return {"sentence": sentence, "warnings": [*off, *window, *_unmatched(rule["kind"], rule["tools"].split())]}


def _errors(form: RuleForm) -> list[tuple[str, str]]:
    return [(name, str(error)) for name, errors in form.errors.items() for error in errors]


def _never_open(begins: datetime | None, ends: datetime | None, now: datetime) -> list[str]:
    if ends is None:
        return []
    if begins is not None and ends <= begins:
        return ["It ends before it begins, so it never decides anything."]
    return ["It has ended already, so it decides nothing."] if ends <= now else []


def _unmatched(kind: str, patterns: list[str]) -> list[str]:
    names = tool_names(None if kind == EVERY_KIND else kind)
    return [
        f"{pattern} matches no registered {one_of(kind)}."
        for pattern in patterns
        if not any(pattern == name or matches(pattern, name) for name in names)
    ]
