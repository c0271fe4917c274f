"""The form of a rule, and the rule's sentence while it is edited."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelectMultiple

from authz_app import known_names, policy
from authz_app.models import Client, Rule
from authz_app.sentence import rule_sentence

# RFC 6749 section 3.3: visible ASCII without the quotation mark and the backslash.
_TOKEN_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
# What the name of a tool, a resource or a prompt may have, and the characters of globs.
_NAME = re.compile(r"[A-Za-z0-9_.\-*?\[\]!]{1,128}")


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]  # Not generic when it runs.
    """A rule with the clients that it names. The admin saves them: Django's forms leave a ``through`` model alone."""

    for_clients = forms.ModelMultipleChoiceField(
        Client.objects.all(),
        label="Clients",
        required=False,
        widget=AutocompleteSelectMultiple(Rule._meta.get_field("clients"), admin.site),
        help_text="With none left, the rule is for nobody.",
    )

    class Meta:
        model = Rule
        fields = ("effect", "applies_to", "kind", "token_scopes", "tools", "enabled", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.setdefault("for_clients", [client.pk for client in self.instance.clients.all()])
        if "kind" in self.fields:  # not where the person may only look
            self.fields["kind"].required = False

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
        return cleaned


def preview(form: RuleForm) -> dict[str, Any]:
    """The sentence of the rule that the form would save, and what is odd about it; or what is wrong with the form."""
    if not form.is_valid():
        errors = [f"{form[name].label if name in form.fields else 'Rule'}: {error}" for name, error in _errors(form)]
        return {"sentence": "", "warnings": errors}
    rule = form.cleaned_data
    every = rule["applies_to"] == Rule.AppliesTo.EVERY_CLIENT
    tools = rule["tools"].split()
    sentence = rule_sentence(
        effect=rule["effect"],
        kind=rule["kind"],
        clients=None if every else [str(client) for client in rule["for_clients"]],
        token_scopes=rule["token_scopes"].split(),
        tools=tools,
    )
    off = [] if rule["enabled"] else ["It is switched off, so it decides nothing."]
    return {"sentence": sentence, "warnings": [*off, *_unmatched(rule["kind"], tools)]}


def _errors(form: RuleForm) -> list[tuple[str, str]]:
    return [(name, str(error)) for name, errors in form.errors.items() for error in errors]


def _unmatched(kind: policy.Kind, patterns: list[str]) -> list[str]:
    names = known_names.names(kind)
    return [
        f"{pattern} matches no registered {kind}." for pattern in patterns if not _matches_any(kind, pattern, names)
    ]


def _matches_any(kind: policy.Kind, pattern: str, names: list[str]) -> bool:
    rule = policy.Rule(0, "allow", None, frozenset(), (pattern,), "", kind=kind)
    return any(rule.speaks_of(kind, name) for name in names)
