"""Explains a decision: every rule that concerns it, and how each clause came out. Pure.

Nothing is decided here: what is decided, and whether a condition holds, is asked of the functions that decide calls.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from authz_app.explain.clauses import Clause, Values, clauses_of
from authz_app.policy.conditions import Verdict
from authz_app.policy.decision import Client, Decision, Reason, Target
from authz_app.policy.limits import Allowance, SlidingWindow, allowances, allowances_of, refused, spent_of
from authz_app.policy.partial_evaluation import applies, residual_of
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy.rule import Rule

# What the database has counted against limits: by rule, and client or 0.
Counted = Mapping[tuple[int, int], str]


@dataclass(frozen=True, slots=True)
class Case:
    """One call; without ``arguments``, any call of the target. ``now`` is in seconds since the epoch."""

    principal: Principal
    client: Client
    target: Target
    arguments: Mapping[str, Any] | None
    now: float


@dataclass(frozen=True, slots=True)
class Concern:
    """A rule that concerns a call, and whether it is one of those that decided.

    ``applies`` is None where that is unknown because a record does not keep all that the rule asks about.
    """

    rule: Rule
    applies: Verdict
    decides: bool
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and all rules that concern it; those that decided come first.

    ``example`` is there where any call would do and there is one that is allowed: the arguments of such a call, with
    which the rules' conditions were asked.
    """

    decision: Decision
    concerns: tuple[Concern, ...]
    example: Mapping[str, Any] | None = None

    @property
    def deciding(self) -> tuple[Concern, ...]:
        return tuple(concern for concern in self.concerns if concern.decides)

    @property
    def others(self) -> tuple[Concern, ...]:
        return tuple(concern for concern in self.concerns if not concern.decides)


def explain(case: Case, policy: Policy, counted: Counted | None) -> Explanation:
    """Decide a call, and say why it came out so. Without ``counted``, limits are taken for not spent."""
    decision = decide(case.principal, case.client, case.target, case.arguments, policy, case.now)
    if counted is not None and case.arguments is not None:
        decision = _within_limits(decision, counted, case.now)
    example = _example(case, policy) if case.arguments is None and decision.allowed else None
    explained = case if example is None else Case(case.principal, case.client, case.target, example, case.now)
    decided = {rule.id for rule in decision.determining}
    concerns = [_concern(rule, explained, rule.id in decided, counted) for rule in concerning(case, policy)]
    return Explanation(decision, tuple(sorted(concerns, key=_order)), example)


def replayed(case: Case, policy: Policy, reason: str, decided: Collection[int]) -> tuple[Explanation, bool]:
    """Explain a decision that a record has: its reason, and the ids of the rules that decided.

    Also whether it comes out the same again. Of a limit that was spent, it is enough that the call was within it.
    """
    again = explain(case, policy, None)
    within = {rule.id for rule in again.decision.limits}
    agrees = (
        again.decision.allowed and within.issuperset(decided)
        if reason == Reason.LIMIT_REACHED
        else again.decision.reason == reason and {rule.id for rule in again.decision.determining} == {*decided}
    )
    concerns = [replace(concern, decides=concern.rule.id in decided) for concern in again.concerns]
    return replace(again, concerns=tuple(sorted(concerns, key=_order))), agrees


def concerning(case: Case, policy: Policy) -> Sequence[Rule]:
    """List the rules that name the client and the target, in force or not."""
    target = case.target
    return policy.rules_for(case.client.id, target.kind, target.name) if target.exists else ()


def _within_limits(decision: Decision, counted: Counted, now: float) -> Decision:
    spent = spent_of([_window_of(allowance, counted, now) for allowance in allowances(decision)])
    return decision if spent is None else refused(decision, spent)


def _window_of(allowance: Allowance, counted: Counted, now: float) -> SlidingWindow:
    return SlidingWindow(allowance, counted.get((allowance.rule_id, allowance.client_id)), now)


def _example(case: Case, policy: Policy) -> Mapping[str, Any] | None:
    evaluation = policy.partial_evaluation(case.client, case.target, case.principal.token_scopes, case.now)
    return evaluation.allowed_arguments(case.principal.claims)


def _concern(rule: Rule, case: Case, decides: bool, counted: Counted | None) -> Concern:
    limits = () if counted is None else allowances_of((rule,), case.client)
    windows = [_window_of(allowance, counted or {}, case.now) for allowance in limits]
    claims, scopes = case.principal.claims, case.principal.token_scopes
    values: Values = {"claims": claims, "arguments": case.arguments, "annotations": case.target.annotations}
    clauses = tuple(clauses_of(rule, scopes, values, case.now, next(iter(windows), None)))
    return Concern(rule, _applies(rule, case, clauses), decides, clauses)


def _applies(rule: Rule, case: Case, clauses: Sequence[Clause]) -> Verdict:
    if not rule.in_force_at(case.now) or not rule.token_scopes <= case.principal.token_scopes:
        return False
    if not all(clause.kept for clause in clauses):
        return False if any(clause.verdict is False for clause in clauses) else None
    residual = residual_of(rule, case.target)
    return applies(rule, residual.verdict(residual.but_for_arguments(case.principal.claims), case.arguments))


def _order(concern: Concern) -> tuple[bool, bool, bool, int]:
    """Sort what decided first, then what applies, and what denies before what allows."""
    return not concern.decides, concern.applies is False, concern.rule.effect == "allow", concern.rule.id
