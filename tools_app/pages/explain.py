"""Shows why a decision came out so in the admin: of any call that somebody thinks of, and of recorded ones."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.debug import sensitive_post_parameters

from authz_app import json_text
from authz_app.history.past import NotInHistory
from authz_app.models import CallRecord, Client, Rule
from authz_app.pages.records import reveals
from authz_app.pages.shared import words
from authz_app.pages.shared.ids import uuid_in
from authz_app.policy_store.tool_port import tool_names
from authz_app.redaction.log_lines import visible
from tools_app.explain.as_json import as_json
from tools_app.explain.explain import replay
from tools_app.pages.explain_form import ExplainForm

_ASK = "authz_app.explain_decision"
_READ = ("authz_app.view_callrecord", "authz_app.view_rule")


@sensitive_post_parameters("token", "claims", "arguments")
def explain(request: HttpRequest) -> HttpResponse:
    """Answer a question about a call. Neither is kept."""
    _require(request, _ASK)
    context: dict[str, Any] = {"title": "Explain", "known_names": tool_names()}
    if request.method != "POST":
        return _page(request, {**context, "form": ExplainForm(initial=_beginning(request))})
    form = ExplainForm(request.POST)
    answer = form.answer()
    if answer is None:
        return _page(request, {**context, "form": form}, status=422)
    if answer.claims is not None:
        form = _with_claims_for_token(request, answer.claims)
    return _page(request, {**context, "form": form, "answer": _shown(answer.explanation)})


def explain_record(request: HttpRequest, record_id: UUID) -> HttpResponse:
    """The decision of one record, under the policy of that moment, from what the record keeps."""
    _require(request, *_READ)
    record = CallRecord.objects.filter(pk=record_id).first()
    if record is None:
        raise Http404
    context: dict[str, Any] = {
        "title": "Explain a record",
        "record": record,
        "asks": request.user.has_perm(_ASK),
        "answer": _of_record(request, record),
        "look": request.GET.get(reveals.PARAMETER, "") if reveals.is_revealed(request, record) else "",
    }
    return _page(request, context)


def _require(request: HttpRequest, *permissions: str) -> None:
    if not request.user.has_perms(permissions):
        raise PermissionDenied


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    links = {"reads_history": request.user.has_perm("authz_app.view_policyedit")}
    whole = {**admin.site.each_context(request), **links, **context}
    return TemplateResponse(request, "admin/explain.html", whole, status=status)


def _with_claims_for_token(request: HttpRequest, claims: str) -> ExplainForm:
    """The form with the token's claims in the token's place, so that the next question needs no token."""
    typed = request.POST.copy()
    typed["claims"], typed["token"] = claims, ""
    return ExplainForm(typed)


def _beginning(request: HttpRequest) -> dict[str, Any]:
    """The initial values of the form: a client that is linked to, or those of a record."""
    record_id = uuid_in(request.GET.get("record", ""))
    record = None if record_id is None else CallRecord.objects.filter(pk=record_id).first()
    if record is None or not request.user.has_perms(_READ):
        return {name: request.GET[name] for name in ("client", "kind", "name") if name in request.GET}
    typed = {
        "client": Client.objects.filter(pk=record.client_id).first(),
        "token_scopes": record.token_scopes,
        "kind": record.kind if record.kind in Rule.Kind.values else Rule.Kind.TOOL.value,
        "name": record.tool,
    }
    values = {"arguments": record.arguments, "claims": record.claims}
    return typed | (values if reveals.is_revealed(request, record) else {})


def _shown(explanation: dict[str, Any]) -> dict[str, Any]:
    """The explanation with unprintable characters shown, and links to the rules that still exist."""
    answer: dict[str, Any] = _visible(explanation)
    ids = [rule["id"] for rule in answer["rules"]]
    there = set(Rule.objects.filter(pk__in=ids).values_list("pk", flat=True))
    rules = [{**rule, "exists": rule["id"] in there} for rule in answer["rules"]]
    return {
        **answer,
        "at": words.moment(datetime.fromisoformat(answer["at"])),
        "arguments": _json(explanation["arguments"]),
        "example": _json(explanation["example"]),
        "deciding": [rule for rule in rules if rule["decides"]],
        "others": [rule for rule in rules if not rule["decides"]],
    }


def _json(value: Any) -> str | None:
    return None if value is None else words.pretty_json(json_text.dumps(value).decode())


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _visible(item) for key, item in value.items()}
    return [_visible(item) for item in value] if isinstance(value, list) else value


def _values(record: CallRecord) -> dict[str, Any]:
    return {"arguments": words.why_no_arguments(record) or words.pretty_json(record.arguments)}


def _without_values(request: HttpRequest, record: CallRecord) -> dict[str, Any]:
    if not reveals.may_reveal(request):
        return {"arguments": words.why_no_arguments(record) or "Hidden from you."}
    return {"arguments": None, "look": reveals.reveal_button(record, "explanation", words.why_no_arguments(record))}


def _of_record(request: HttpRequest, record: CallRecord) -> dict[str, Any]:
    """The decision that the record holds, and its explanation as far as the history reaches."""
    sees_values = reveals.is_revealed(request, record)
    kept = {
        "allowed": record.decision == CallRecord.Decision.ALLOWED,
        "why": words.reason_sentence(record),
        "hides_values": not sees_values,
        **(_values(record) if sees_values else _without_values(request, record)),
    }
    try:
        replayed = replay(record, sees_values)
    except NotInHistory as error:
        rules = [{**rule, "decides": True, "exists": False} for rule in words.parsed_json(record.rules) or []]
        return {**kept, "unknown": str(error), "deciding": rules}
    explanation = as_json(replayed.explained) | {"arguments": None}
    if not sees_values:
        for part in (part for rule in explanation["rules"] for part in rule["parts"]):
            part["found"] = part["found"].replace(" not kept.", " not shown here.")
    return {**_shown(explanation), **kept, "agrees": replayed.agrees, "is_complete": replayed.is_complete}
