"""What the rules that concern a client and a target come to, worked out once for as long as it holds. Pure."""

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
class Held:
    """A rule in force, and what is still to be asked of each call. ``settled`` is what its annotations say of it."""

    rule: Rule
    settled: Verdict
    claims: tuple[Condition, ...]
    arguments: tuple[Condition, ...]

    def but_for_arguments(self, claims: Mapping[str, Any]) -> Verdict:
        """Whether its conditions hold, leaving out those on arguments."""
        return both(self.settled, all_hold(self.claims, claims))

    def verdict(self, but_for_arguments: Verdict, arguments: Mapping[str, Any] | None) -> Verdict:
        """Whether all its conditions hold. Without arguments, nothing is known of those on them."""
        if not self.arguments or but_for_arguments is False:
            return but_for_arguments
        return both(but_for_arguments, None if arguments is None else all_hold(self.arguments, arguments))


def held_by(rule: Rule, target: Target) -> Held:
    """The rule, and what is to be asked of calls of this target."""
    by_root: dict[str, list[Condition]] = {"claims": [], "arguments": [], "annotations": []}
    for condition in rule.conditions:
        by_root[condition.root].append(condition)
    settled = all_hold(by_root["annotations"], target.annotations)
    if rule.broken and rule.effect == "allow":
        settled = None
    return Held(rule, settled, tuple(by_root["claims"]), tuple(by_root["arguments"]))


class _OfToken:
    """What the claims of one token come to: ``verdicts`` rule by rule, and once it was asked for, what is at best.

    They never change, and mostly come again. What is kept is read and written once each: pages ask from other threads.
    """

    __slots__ = ("at_best", "claims", "verdicts")

    def __init__(self, claims: Mapping[str, Any], held: Sequence[Held]) -> None:
        self.claims = claims
        self.verdicts = [one.but_for_arguments(claims) for one in held]
        self.at_best: tuple[dict[str, Any] | None, Decision] | None = None


class Question(NamedTuple):
    """Who asks for what, with which token scopes."""

    client: Client
    target: Target
    token_scopes: frozenset[str]


class Standing:
    """How calls by the same client, of the same target, with the same token scopes are decided under one policy.

    ``rules`` are all those that concern client and target. It holds until a window of theirs opens or closes.
    """

    __slots__ = ("_begins", "_by_claims", "_claims", "_constant", "_ends", "_held", "_known", "_question", "_version")

    def __init__(self, rules: Sequence[Rule], question: Question, version: int, now: float) -> None:
        self._question = question
        self._version = version
        moments = [moment for rule in rules for moment in (rule.begins, rule.ends) if moment is not None]
        self._begins = max((moment for moment in moments if moment <= now), default=-inf)
        self._ends = min((moment for moment in moments if moment > now), default=inf)
        # In one order, however the policy was loaded: a search that is given up comes out the same on every worker.
        in_force = sorted((rule for rule in rules if rule.in_force_at(now)), key=lambda rule: rule.id)
        self._held = [held_by(rule, question.target) for rule in in_force]
        claims = (condition for rule in rules for condition in rule.conditions if condition.root == "claims")
        self._claims = tuple(dict.fromkeys(claims))
        self._known: dict[tuple[Verdict, ...], Decision] = {}
        self._by_claims: dict[int, _OfToken] = {}
        asks = any(held.claims or held.arguments for held in self._held)
        self._constant = None if asks else self._by([held.settled for held in self._held])

    def holds_for(self, target: Target, now: float) -> bool:
        """Whether it still says what the rules come to."""
        return self._begins <= now < self._ends and target.annotations is self._question.target.annotations

    def decision(self, claims: Mapping[str, Any], arguments: Mapping[str, Any] | None) -> Decision:
        """Decide a call; without arguments, decide whether there are any with which it would be allowed."""
        if self._constant is not None:
            return self._constant
        if arguments is None:
            return self._at_best(claims)
        decision = self._of(claims, arguments)
        if decision.reason not in (Reason.DENY_RULE, Reason.CONDITION_UNMET) or not self._at_best(claims).allowed:
            return decision
        return replace(decision, argument_paths=self._in_the_way(decision, claims, arguments))

    def allowed_arguments(self, claims: Mapping[str, Any]) -> dict[str, Any] | None:
        """Arguments with which a call would be allowed; None where none are found."""
        return self._best(claims)[0]

    def _at_best(self, claims: Mapping[str, Any]) -> Decision:
        return self._best(claims)[1]

    def _best(self, claims: Mapping[str, Any]) -> tuple[dict[str, Any] | None, Decision]:
        """Arguments with which a call would be allowed, and its decision. Searched for once for each token."""
        token = self._of_token(claims)
        best = token.at_best
        if best is None:
            arguments = self._find_arguments(claims)
            best = token.at_best = arguments, self._of(claims, arguments)
        return best

    def _find_arguments(self, claims: Mapping[str, Any]) -> dict[str, Any] | None:
        denies = [held.arguments for held in self._applying("deny", claims)]
        for allow in self._applying("allow", claims):
            arguments = arguments_between(allow.arguments, denies, self._question.target.shape)
            if arguments is not None and self._of(claims, arguments).allowed:
                return arguments
        return None

    def _applying(self, effect: str, claims: Mapping[str, Any]) -> list[Held]:
        """The rules that could apply, whatever the arguments are."""
        return [
            held
            for held in self._held
            if held.rule.effect == effect
            and held.rule.token_scopes <= self._question.token_scopes
            and applies(held.rule, held.but_for_arguments(claims))
        ]

    def _in_the_way(
        self, decision: Decision, claims: Mapping[str, Any], arguments: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """The paths of the conditions on arguments for which the call was denied."""
        effect = "deny" if decision.reason is Reason.DENY_RULE else "allow"
        found = {
            path_of(condition)
            for held in self._applying(effect, claims)
            if held.rule.id in {rule.id for rule in decision.determining}
            for condition in held.arguments
            if verdict(condition, arguments) is not (effect == "allow")
        }
        return tuple(sorted(found))

    def _of(self, claims: Mapping[str, Any], arguments: Mapping[str, Any] | None) -> Decision:
        but_for = self._of_token(claims).verdicts
        verdicts = tuple([held.verdict(one, arguments) for held, one in zip(self._held, but_for, strict=True)])
        decision = self._known.get(verdicts)
        if decision is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            decision = self._known[verdicts] = self._by(verdicts)
        return decision

    def _of_token(self, claims: Mapping[str, Any]) -> _OfToken:
        known = self._by_claims.get(id(claims))
        if known is None or known.claims is not claims:
            if len(self._by_claims) >= _MOST_TOKENS:
                self._by_claims.clear()
            known = self._by_claims[id(claims)] = _OfToken(claims, self._held)
        return known

    def _by(self, verdicts: Sequence[Verdict]) -> Decision:
        """The decision where each rule's conditions have come to one of these."""
        known = list(zip((held.rule for held in self._held), verdicts, strict=True))
        applying = [
            rule for rule, one in known if rule.token_scopes <= self._question.token_scopes and applies(rule, one)
        ]
        if denies := tuple(rule for rule in applying if rule.effect == "deny"):
            broken = all(rule.broken for rule in denies)
            return self._decision(Reason.POLICY_ERROR if broken else Reason.DENY_RULE, denies)
        if allows := tuple(rule for rule in applying if rule.effect == "allow"):
            limits = tuple(rule for rule in applying if rule.effect == "limit")
            return replace(self._decision(Reason.ALLOWED, allows), limits=limits)
        if cures := tuple(rule for rule, one in known if self._scopes_would_cure(rule, one, known)):
            missing = tuple(dict.fromkeys(rule.token_scopes - self._question.token_scopes for rule in cures))
            return replace(self._decision(Reason.SCOPE_MISSING, cures), missing_scopes=missing)
        if unmet := tuple(
            rule for rule, _ in known if rule.effect == "allow" and rule.token_scopes <= self._question.token_scopes
        ):
            broken = all(rule.broken for rule in unmet)
            return self._decision(Reason.POLICY_ERROR if broken else Reason.CONDITION_UNMET, unmet)
        return self._decision(Reason.NO_RULE, ())

    def _decision(self, reason: Reason, determining: tuple[Rule, ...]) -> Decision:
        return Decision(reason, self._version, self._question.client, determining, claims=self._claims)

    def _scopes_would_cure(self, allow: Rule, conditions: Verdict, known: Sequence[tuple[Rule, Verdict]]) -> bool:
        """Whether the call would be allowed if the token carried what this rule asks for, and nothing else changed."""
        if allow.effect != "allow" or not applies(allow, conditions):
            return False
        enough = self._question.token_scopes | allow.token_scopes
        return not any(
            rule.effect == "deny" and rule.token_scopes <= enough and applies(rule, one) for rule, one in known
        )


def applies(rule: Rule, conditions: Verdict) -> bool:
    """Whether a rule applies. In doubt an allow rule does not, and any other does."""
    return conditions is True if rule.effect == "allow" else conditions is not False
