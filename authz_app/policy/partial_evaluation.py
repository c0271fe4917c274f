"""Evaluates rules as far as client, target and token scopes go, and keeps the residual for each call's claims. Pure.

The field's words (Cedar, OPA): the inputs that are known, the residual of a rule that is still to be asked of a call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, NamedTuple

from authz_app.policy.condition_syntax import path_of
from authz_app.policy.conditions import Condition, Verdict, all_hold, both, verdict
from authz_app.policy.decision import Client, Decision, Reason, Target
from authz_app.policy.rule import Rule
from authz_app.policy.satisfiability import arguments_between

_MOST_KNOWN = 256
_MOST_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Residual:
    """A rule in force, and the conditions that are still to be asked of each call.

    ``annotations`` is the verdict of its conditions on annotations.
    """

    rule: Rule
    annotations: Verdict
    claims: tuple[Condition, ...]
    arguments: tuple[Condition, ...]

    def but_for_arguments(self, claims: Mapping[str, Any]) -> Verdict:
        """Whether its conditions hold, leaving out those on arguments."""
        return both(self.annotations, all_hold(self.claims, claims))

    def verdict(self, but_for_arguments: Verdict, arguments: Mapping[str, Any] | None) -> Verdict:
        """Whether all its conditions hold. Without arguments, nothing is known of those on them."""
        if not self.arguments or but_for_arguments is False:
            return but_for_arguments
        return both(but_for_arguments, None if arguments is None else all_hold(self.arguments, arguments))


def residual_of(rule: Rule, target: Target) -> Residual:
    """The residual of a rule for calls of this target."""
    by_root: dict[str, list[Condition]] = {"claims": [], "arguments": [], "annotations": []}
    for condition in rule.conditions:
        by_root[condition.root].append(condition)
    annotations = all_hold(by_root["annotations"], target.annotations)
    if rule.broken and rule.effect == "allow":
        annotations = None
    return Residual(rule, annotations, tuple(by_root["claims"]), tuple(by_root["arguments"]))


class _TokenEvaluation:
    """The verdicts of the rules for the claims of one token, and what is allowed at best, once that was asked for.

    Claims never change, and mostly come again. Each attribute is read and written once: pages ask from other threads.
    """

    __slots__ = ("at_best", "claims", "verdicts")

    def __init__(self, claims: Mapping[str, Any], residuals: Sequence[Residual]) -> None:
        self.claims = claims
        self.verdicts = [residual.but_for_arguments(claims) for residual in residuals]
        self.at_best: tuple[dict[str, Any] | None, Decision] | None = None


class KnownInputs(NamedTuple):
    """Who asks for what, with which token scopes: all of an access request but claims and arguments."""

    client: Client
    target: Target
    token_scopes: frozenset[str]


class PartialEvaluation:
    """Decides calls by the same client, of the same target, with the same token scopes under one policy.

    ``rules`` are all those that concern client and target. It holds until the window of one of them opens or closes.
    """

    __slots__ = (
        "_begins",
        "_by_claims",
        "_claims",
        "_constant",
        "_decisions",
        "_ends",
        "_inputs",
        "_residuals",
        "_version",
    )

    def __init__(self, rules: Sequence[Rule], inputs: KnownInputs, version: int, now: float) -> None:
        self._inputs = inputs
        self._version = version
        moments = [moment for rule in rules for moment in (rule.begins, rule.ends) if moment is not None]
        self._begins = max((moment for moment in moments if moment <= now), default=-inf)
        self._ends = min((moment for moment in moments if moment > now), default=inf)
        # In one order, however the policy was loaded: a search that is given up comes out the same on every worker.
        in_force = sorted((rule for rule in rules if rule.in_force_at(now)), key=lambda rule: rule.id)
        self._residuals = [residual_of(rule, inputs.target) for rule in in_force]
        claims = (condition for rule in rules for condition in rule.conditions if condition.root == "claims")
        self._claims = tuple(dict.fromkeys(claims))
        self._decisions: dict[tuple[Verdict, ...], Decision] = {}
        self._by_claims: dict[int, _TokenEvaluation] = {}
        varies = any(residual.claims or residual.arguments for residual in self._residuals)
        self._constant = None if varies else self._constant_decision()

    def holds_for(self, target: Target, now: float) -> bool:
        """Whether it still decides as the rules do."""
        return self._begins <= now < self._ends and target.annotations is self._inputs.target.annotations

    def decision(self, claims: Mapping[str, Any], arguments: Mapping[str, Any] | None) -> Decision:
        """Decide a call; without arguments, decide whether there are any with which it would be allowed."""
        if self._constant is not None:
            return self._constant
        if arguments is None:
            return self._at_best(claims)
        decision = self._decision_of(claims, arguments)
        if decision.reason not in (Reason.DENY_RULE, Reason.CONDITION_UNMET) or not self._at_best(claims).listed:
            return decision
        return replace(decision, argument_paths=self._argument_paths(decision, claims, arguments))

    def allowed_arguments(self, claims: Mapping[str, Any]) -> dict[str, Any] | None:
        """Arguments with which a call would be allowed; None where none are found."""
        return self._best(claims)[0]

    def _at_best(self, claims: Mapping[str, Any]) -> Decision:
        return self._best(claims)[1]

    def _best(self, claims: Mapping[str, Any]) -> tuple[dict[str, Any] | None, Decision]:
        """Arguments with which a call would be allowed, and its decision. Searched for once for each token."""
        token = self._for_token(claims)
        best = token.at_best
        if best is None:
            arguments = self._find_arguments(claims)
            decision = self._decision_of(claims, arguments) if arguments is not None else self._without_scopes(claims)
            best = token.at_best = arguments, decision
        return best

    def _constant_decision(self) -> Decision:
        verdicts = [residual.annotations for residual in self._residuals]
        decision = self._decide(verdicts)
        return decision if decision.allowed else self._listed(decision, self._lacking_scopes_only(verdicts))

    def _without_scopes(self, claims: Mapping[str, Any]) -> Decision:
        """The decision where no arguments are allowed: why, with some that lack token scopes alone if there are any."""
        found = self._lacking_scopes_only(self._for_token(claims).verdicts)
        return self._listed(self._decision_of(claims, found[0][1] if found else None), found)

    def _listed(self, decision: Decision, found: Sequence[tuple[frozenset[str], object]]) -> Decision:
        return replace(decision, listed_without=tuple(dict.fromkeys(missing for missing, _ in found)))

    def _lacking_scopes_only(self, but_for_arguments: Sequence[Verdict]) -> list[tuple[frozenset[str], dict[str, Any]]]:
        """For each rule that has it listed without its token scopes: those missing, and arguments of a call that lacks
        nothing else."""
        found = []
        for residual, one in zip(self._residuals, but_for_arguments, strict=True):
            rule, missing = residual.rule, residual.rule.token_scopes - self._inputs.token_scopes
            if not (rule.listed_without_scopes and missing and rule.effect == "allow" and applies(rule, one)):
                continue
            denies = self._applying("deny", but_for_arguments, self._inputs.token_scopes | missing)
            arguments = arguments_between(
                residual.arguments, [deny.arguments for deny in denies], self._inputs.target.shape
            )
            if arguments is not None:
                found.append((missing, arguments))
        return found

    def _find_arguments(self, claims: Mapping[str, Any]) -> dict[str, Any] | None:
        verdicts, carried = self._for_token(claims).verdicts, self._inputs.token_scopes
        denies = [residual.arguments for residual in self._applying("deny", verdicts, carried)]
        for allow in self._applying("allow", verdicts, carried):
            arguments = arguments_between(allow.arguments, denies, self._inputs.target.shape)
            if arguments is not None and self._decision_of(claims, arguments).allowed:
                return arguments
        return None

    def _applying(
        self, effect: str, but_for_arguments: Sequence[Verdict], token_scopes: frozenset[str]
    ) -> list[Residual]:
        """The rules that could apply to a token with these scopes, whatever the arguments are."""
        return [
            residual
            for residual, one in zip(self._residuals, but_for_arguments, strict=True)
            if residual.rule.effect == effect
            and residual.rule.token_scopes <= token_scopes
            and applies(residual.rule, one)
        ]

    def _argument_paths(
        self, decision: Decision, claims: Mapping[str, Any], arguments: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """The paths of the conditions on arguments for which the call was denied."""
        ids, allowed = {rule.id for rule in decision.determining}, decision.reason is not Reason.DENY_RULE
        found = {
            path_of(condition)
            for residual, one in zip(self._residuals, self._for_token(claims).verdicts, strict=True)
            if residual.rule.id in ids and applies(residual.rule, one)
            for condition in residual.arguments
            if verdict(condition, arguments) is not allowed
        }
        return tuple(sorted(found))

    def _decision_of(self, claims: Mapping[str, Any], arguments: Mapping[str, Any] | None) -> Decision:
        but_for_arguments = self._for_token(claims).verdicts
        pairs = zip(self._residuals, but_for_arguments, strict=True)
        verdicts = tuple([residual.verdict(one, arguments) for residual, one in pairs])
        decision = self._decisions.get(verdicts)
        if decision is None:
            if len(self._decisions) >= _MOST_KNOWN:
                self._decisions.clear()
            decision = self._decisions[verdicts] = self._decide(verdicts)
        return decision

    def _for_token(self, claims: Mapping[str, Any]) -> _TokenEvaluation:
        known = self._by_claims.get(id(claims))
        if known is None or known.claims is not claims:
            if len(self._by_claims) >= _MOST_TOKENS:
                self._by_claims.clear()
            known = self._by_claims[id(claims)] = _TokenEvaluation(claims, self._residuals)
        return known

    def _decide(self, verdicts: Sequence[Verdict]) -> Decision:
        """The decision, given the verdict of each rule's conditions."""
        known = list(zip((residual.rule for residual in self._residuals), verdicts, strict=True))
        applying = [
            rule for rule, one in known if rule.token_scopes <= self._inputs.token_scopes and applies(rule, one)
        ]
        if denies := tuple(rule for rule in applying if rule.effect == "deny"):
            broken = all(rule.broken for rule in denies)
            return self._decision(Reason.POLICY_ERROR if broken else Reason.DENY_RULE, denies)
        if allows := tuple(rule for rule in applying if rule.effect == "allow"):
            limits = tuple(rule for rule in applying if rule.effect == "limit")
            return replace(self._decision(Reason.ALLOWED, allows), limits=limits)
        if curable := tuple(rule for rule, one in known if self._scopes_would_do(rule, one, known)):
            missing = tuple(dict.fromkeys(rule.token_scopes - self._inputs.token_scopes for rule in curable))
            return replace(self._decision(Reason.SCOPE_MISSING, curable), missing_scopes=missing)
        if unmet := self._unmet([rule for rule, _ in known if rule.effect == "allow"]):
            broken = all(rule.broken for rule in unmet)
            return self._decision(Reason.POLICY_ERROR if broken else Reason.CONDITION_UNMET, unmet)
        return self._decision(Reason.NO_RULE, ())

    def _unmet(self, allows: Sequence[Rule]) -> tuple[Rule, ...]:
        """The rules that would allow it but for their conditions, and those that have it listed all the same."""
        return tuple(
            rule for rule in allows if rule.token_scopes <= self._inputs.token_scopes or rule.listed_without_scopes
        )

    def _decision(self, reason: Reason, determining: tuple[Rule, ...]) -> Decision:
        return Decision(reason, self._version, self._inputs.client, determining, claims=self._claims)

    def _scopes_would_do(self, allow: Rule, conditions: Verdict, known: Sequence[tuple[Rule, Verdict]]) -> bool:
        """Whether the call would be allowed if the token carried what this rule asks for, and nothing else changed."""
        if allow.effect != "allow" or not applies(allow, conditions):
            return False
        enough = self._inputs.token_scopes | allow.token_scopes
        return not any(
            rule.effect == "deny" and rule.token_scopes <= enough and applies(rule, one) for rule, one in known
        )


def applies(rule: Rule, conditions: Verdict) -> bool:
    """Whether a rule applies. In doubt an allow rule does not, and any other does."""
    return conditions is True if rule.effect == "allow" else conditions is not False
