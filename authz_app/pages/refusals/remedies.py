"""Finds what would help against a refusal, as things stand now: a rule made of it, or something else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from authz_app.models import CallRecord
from authz_app.pages.shared.words import parsed_json
from authz_app.policy.decision import Client, Decision, Reason, Target
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy.rule import KINDS, Kind, Rule
from authz_app.policy_store import loading
from authz_app.policy_store.tool_port import tool_names
from authz_app.redaction.audit_level import OF_RESOURCE
from authz_app.redaction.log_lines import visible

ALLOWED_BY_A_RULE = frozenset({Reason.NO_RULE, Reason.SCOPE_MISSING, Reason.CONDITION_UNMET})
_WORDS: dict[Reason, str] = {
    Reason.ALLOWED: "A rule allows it by now.",
    Reason.NO_RULE: "",
    Reason.SCOPE_MISSING: "Or let the authorization server give the token the scope that the rule asks for.",
    Reason.CONDITION_UNMET: "A rule allows it under conditions that this call did not meet.",
    Reason.DENY_RULE: "A deny rule beats every allow rule, so change that rule.",
    Reason.CLIENT_BLOCKED: "The client is blocked. Make it active if it may call again.",
    Reason.CLIENT_PENDING: "The client waits. Make it active if it may call.",
    Reason.UNKNOWN_TOOL: "Nothing of this name is registered here: the client is mistaken, or an app is missing.",
    Reason.TOOL_DISABLED: "It is switched off for everybody. Switch it on again.",
    Reason.LIMIT_REACHED: "A limit was spent. Wait, or raise the limit.",
    Reason.POLICY_ERROR: "A rule cannot be read. Mend or delete it.",
}
_GONE = "The client was deleted since. Its next call registers it anew."
_NO_CALL = "It may open MCP sessions by now."


@dataclass(frozen=True, slots=True)
class Remedy:
    """Says what would help. ``allows`` is the kind of a rule that can be made of the refusal, if one can.

    ``links`` are pages to go to, by what they are called; ``in_tools`` says that the place is where tools are switched.
    """

    words: str
    allows: str = ""
    links: tuple[tuple[str, str], ...] = ()
    in_tools: bool = False


@dataclass(frozen=True, slots=True)
class CurrentState:
    """Clients by id, the policy that concerns them, and the names registered of each kind, as they are now."""

    clients: Mapping[int, Client]
    policy: Policy
    names: Mapping[Kind, frozenset[str]]
    now: float


def current_state(records: Sequence[CallRecord], now: datetime) -> CurrentState:
    policy = loading.concerning({record.client_id for record in records})
    names = {kind: frozenset(tool_names(kind)) for kind in KINDS}
    return CurrentState({client.id: client for client in policy.clients.values()}, policy, names, now.timestamp())


def remedy_of(record: CallRecord, state: CurrentState) -> Remedy:
    client = state.clients.get(record.client_id)
    if client is None:
        return Remedy(_GONE)
    if record.kind == CallRecord.Kind.SESSION and client.status == "active":
        return Remedy(_NO_CALL)
    kind = _kind_of(record, state.names)
    decision, of_arguments = _decided_now(record, client, kind, state)
    reason = decision.reason
    if decision.allowed and record.reason == Reason.LIMIT_REACHED and decision.limits:
        return Remedy(_WORDS[Reason.LIMIT_REACHED], links=_links(decision.limits))
    if decision.allowed and of_arguments:
        reason = Reason.CONDITION_UNMET
    if reason in (Reason.CLIENT_BLOCKED, Reason.CLIENT_PENDING):
        to_client = (visible(client.name or client.subject), reverse("admin:authz_app_client_change", args=[client.id]))
        return Remedy(_WORDS[reason], links=(to_client,))
    return Remedy(
        _WORDS[reason],
        allows=kind or "" if reason in ALLOWED_BY_A_RULE else "",
        links=_links(decision.determining),
        in_tools=reason in (Reason.UNKNOWN_TOOL, Reason.TOOL_DISABLED),
    )


def _decided_now(record: CallRecord, client: Client, kind: Kind | None, state: CurrentState) -> tuple[Decision, bool]:
    """Decide it under the present policy; also, whether that depends on arguments that the record does not have."""
    scopes, claims = frozenset(record.token_scopes.split()), _mapping(record.claims)
    principal = Principal(record.issuer, record.subject, record.oauth_client_id, scopes, 0, claims)
    # A resource is decided by the variables in its URI, a completion by what is typed: neither is recorded so.
    # Nor are the arguments of what is recorded as metadata alone.
    known = record.kind in (CallRecord.Kind.TOOL, CallRecord.Kind.PROMPT) and record.arguments != ""
    enabled = (kind, record.tool) not in state.policy.switched_off
    target = Target(kind or "tool", record.tool, exists=kind is not None, enabled=enabled)
    arguments = _mapping(record.arguments) if known else None
    decision = decide(principal, client, target, arguments, state.policy, state.now)
    rules = state.policy.rules_for(client.id, target.kind, target.name)
    return decision, not known and any(one.root == "arguments" for rule in rules for one in rule.conditions)


def _kind_of(record: CallRecord, names: Mapping[Kind, frozenset[str]]) -> Kind | None:
    """Find the kind that a rule on it would have; None where nothing of its kind and name is registered now."""
    kinds: Sequence[Kind] = [kind for kind in KINDS if kind == record.kind]
    if record.kind == CallRecord.Kind.COMPLETION:
        # A completion for a resource names its URI.
        of_resource = record.arguments == OF_RESOURCE or "uri" in _mapping(record.arguments)
        kinds = ("resource", "prompt") if of_resource else ("prompt", "resource")
    return next((kind for kind in kinds if record.tool in names[kind]), None)


def _links(rules: Sequence[Rule]) -> tuple[tuple[str, str], ...]:
    return tuple((f"Rule {rule.id}", reverse("admin:authz_app_rule_change", args=[rule.id])) for rule in rules)


def _mapping(text: str) -> Mapping[str, Any]:
    value = parsed_json(text)
    return value if isinstance(value, dict) else {}
