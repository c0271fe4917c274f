"""Explains decisions about what is registered here, under the policy of any moment."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from authz_app.explain.explanation import Case, Counted, Explanation, concerning, explain, replayed
from authz_app.explain.simulated_principal import client_in
from authz_app.explain.unknown_values import UNKNOWN, recorded
from authz_app.history.past import policy_at, version_at
from authz_app.models import CallRecord, LimitCount
from authz_app.policy.decision import Decision, Reason
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy.rule import KINDS, Kind
from authz_app.policy_store import loading
from authz_app.redaction.audit_level import OF_RESOURCE, has_arguments
from tools_app.invocation.access_request import AccessRequest, prompt_use, resource_read, target_of, tool_call
from tools_app.registry import registered


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, in seconds since the epoch, and the policy of it. Limits are counted for the present alone."""

    policy: Policy
    now: float
    is_present: bool

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


@dataclass(frozen=True, slots=True)
class Explained:
    """A case, and the explanation of its decision."""

    case: Case
    moment: Moment
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Replayed:
    """The explanation of a record's decision. ``agrees``: worked out again from what is kept, it came out the same."""

    explained: Explained
    agrees: bool
    is_complete: bool


def moment_of(at: datetime | None, caller: Principal, in_memory: Policy | None = None) -> Moment:
    """The present, or another moment. What is still to come is under the present policy.

    Of the past, no more is read than concerns the caller.

    Raises:
        NotInHistory: the history does not reach back to it.
    """
    now = time.time()
    if at is not None and at.timestamp() < now:
        return Moment(
            policy_at(version_at(at), about=(caller.issuer, caller.subject)), at.timestamp(), is_present=False
        )
    return Moment(loading.load(in_memory), now if at is None else at.timestamp(), is_present=at is None)


def access_request_about(
    kind: Kind, name: str, arguments: dict[str, Any] | None
) -> tuple[AccessRequest, Mapping[str, Any] | None]:
    """The access request of a call, and the arguments that rules would be evaluated on; None stands for any arguments.

    A resource is meant by its URI, whose arguments follow from it, or by its name, for reading any of its URIs.
    """
    if kind == "tool":
        tool = tool_call(name, arguments or {})
        return tool, None if arguments is None else tool.recorded
    if kind == "prompt":
        prompt = prompt_use(name, arguments or {})
        return prompt, None if arguments is None else prompt.recorded
    if ":" in name:
        resource = resource_read(name)
        return resource, resource.recorded
    return AccessRequest("resource", "resource", name, registered("resource").get(name), {}, {}), arguments


def explained(
    principal: Principal, request: AccessRequest, arguments: Mapping[str, Any] | None, moment: Moment
) -> Explained:
    """Decide a call at a moment, and say why it came out so."""
    client, target = client_in(moment.policy, principal), request.target(moment.policy)
    case = Case(principal, client, target, arguments, moment.now)
    counted = _counted(case, moment.policy) if moment.is_present else None
    return Explained(case, moment, explain(case, moment.policy, counted))


def _counted(case: Case, policy: Policy) -> Counted:
    limits = [rule.id for rule in concerning(case, policy) if rule.limit is not None]
    rows = LimitCount.objects.filter(rule_id__in=limits, client_id__in=(0, case.client.id)) if limits else ()
    return {(row.rule_id, row.client_id): row.calls for row in rows}


def may_use(principal: Principal, moment: Moment) -> Iterable[tuple[Kind, str, Decision]]:
    """Kind and name of everything that is registered, and the decision whether some use of it is allowed."""
    client = client_in(moment.policy, principal)
    for kind in KINDS:
        for name in sorted(registered(kind)):
            target = target_of(kind, name, True, moment.policy)
            yield kind, name, decide(principal, client, target, None, moment.policy, moment.now)


def replay(record: CallRecord, with_values: bool) -> Replayed:
    """Explain a record's decision, under the policy of that time, from what the record keeps.

    ``with_values``: for whoever may see the values of its arguments and claims. To others they are unknown.

    Raises:
        NotInHistory: what the policy was is not known.
    """
    policy = policy_at(record.policy_version, about=(record.issuer, record.subject))
    return replay_under(policy, record, with_values)


def replay_under(policy: Policy, record: CallRecord, with_values: bool) -> Replayed:
    """Explain a record's decision, where the policy of its version is at hand."""
    moment = Moment(policy, record.at.timestamp(), is_present=False)
    scopes = frozenset(record.token_scopes.split())
    principal = Principal(
        record.issuer, record.subject, record.oauth_client_id, scopes, 0, _claims(record, with_values)
    )
    kind, arguments = _kind_and_arguments(record, with_values)
    exists = record.reason != Reason.UNKNOWN_TOOL
    case = Case(
        principal, client_in(policy, principal), target_of(kind, record.tool, exists, policy), arguments, moment.now
    )
    ids = {rule["id"] for rule in orjson.loads(record.rules or "[]")}
    explanation, agrees = replayed(case, policy, record.reason, ids)
    is_complete = all(clause.kept for concern in explanation.concerns for clause in concern.clauses)
    return Replayed(Explained(case, moment, explanation), agrees, is_complete)


# Here the rules were not asked, so that the record has none of the claims that they would ask for.
_BEFORE_RULES = (Reason.CLIENT_BLOCKED, Reason.CLIENT_PENDING, Reason.UNKNOWN_TOOL, Reason.TOOL_DISABLED)


def _claims(record: CallRecord, with_values: bool) -> Mapping[str, Any]:
    if record.claims:
        return recorded(record.claims) if with_values else UNKNOWN
    return UNKNOWN if record.reason in _BEFORE_RULES else {}


def _kind_and_arguments(record: CallRecord, with_values: bool) -> tuple[Kind, Mapping[str, Any] | None]:
    """A completion is decided without arguments; the record says by its URI that it is one for a resource."""
    arguments = recorded(record.arguments)
    if record.kind == CallRecord.Kind.COMPLETION:
        return "resource" if "uri" in arguments or record.arguments == OF_RESOURCE else "prompt", None
    kind = loading.known_kind(record.kind) or "tool"
    return kind, arguments if with_values and has_arguments(record.kind, record.arguments) else UNKNOWN
