"""Decides calls of tools, reads of resources, uses of prompts. Pure: knows nothing of HTTP, Django or MCP.

Default deny; a deny rule beats every allow rule; the order of rules never matters. In doubt an allow rule does not
apply, and a deny or limit rule does. A limit rule allows nothing: a call is allowed within limits, which are counted
where its record commits.
"""

from collections.abc import Collection, Iterable, Mapping
from math import inf
from types import MappingProxyType
from typing import Any

from authz_app.policy.decision import Client, Decision, Reason, Target
from authz_app.policy.partial_evaluation import KnownInputs, PartialEvaluation
from authz_app.policy.principal import Principal
from authz_app.policy.rule import Kind, Rule
from authz_app.policy.rule_index import RuleIndex
from authz_app.redaction.audit_level import RecordingOverride

_MAX_REMEMBERED = 10_000


class Policy:
    """All clients and rules under one policy version, indexed so that a decision reads few of them.

    ``recording_overrides`` are what administrators chose to have recorded: they decide nothing, but change as exactly.
    A policy never changes, but for clients that are seen for the first time: their rows are added when they are read.
    """

    __slots__ = (
        "_index",
        "_evaluations",
        "_unchanging",
        "_windows",
        "clients",
        "recording_overrides",
        "rules",
        "switched_off",
        "version",
    )

    def __init__(
        self,
        version: int,
        *,
        clients: dict[tuple[str, str], Client],
        rules: Mapping[int, Rule],
        switched_off: frozenset[tuple[Kind, str]] = frozenset(),
        recording_overrides: Mapping[tuple[Kind, str], RecordingOverride] = MappingProxyType({}),
    ) -> None:
        self.version = version
        self.clients = clients
        self.rules = {**rules}
        self.switched_off = switched_off
        self.recording_overrides = recording_overrides
        self._index = RuleIndex().changed((), rules.values())
        self._windows = {rule.id: rule for rule in rules.values() if _has_window(rule)}
        # From the first to the second time no window opens or closes.
        self._unchanging = inf, inf
        self._evaluations: dict[tuple[Client, Kind, str, frozenset[str]], PartialEvaluation] = {}

    def changed(  # noqa: PLR0913  (all that a policy is made of)
        self,
        version: int,
        *,
        clients: dict[tuple[str, str], Client],
        gone: Collection[int],
        come: Iterable[Rule],
        switched_off: frozenset[tuple[Kind, str]],
        recording_overrides: Mapping[tuple[Kind, str], RecordingOverride],
    ) -> "Policy":
        """The policy of another version: without the rules of some ids, and with others. Shares what stays."""
        policy = Policy(
            version, clients=clients, rules={}, switched_off=switched_off, recording_overrides=recording_overrides
        )
        policy.rules, policy._index, policy._windows = self.rules, self._index, self._windows
        before = [self.rules[rule_id] for rule_id in gone if rule_id in self.rules]
        after = list(come)
        if before or after:
            policy.rules, policy._windows = self.rules.copy(), self._windows.copy()
            for rule in before:
                del policy.rules[rule.id]
                policy._windows.pop(rule.id, None)
            policy.rules.update((rule.id, rule) for rule in after)
            policy._windows.update((rule.id, rule) for rule in after if _has_window(rule))
            policy._index = self._index.changed(before, after)
        return policy

    def partial_evaluation(
        self, client: Client, target: Target, token_scopes: frozenset[str], now: float
    ) -> PartialEvaluation:
        """The rules evaluated as far as these inputs go, once for as long as that holds."""
        key = (client, target.kind, target.name, token_scopes)
        evaluation = self._evaluations.get(key)
        if evaluation is None or not evaluation.holds_for(target, now):
            if len(self._evaluations) >= _MAX_REMEMBERED:
                self._evaluations.clear()
            rules = self.rules_for(client.id, target.kind, target.name)
            inputs = KnownInputs(client, target, token_scopes)
            evaluation = self._evaluations[key] = PartialEvaluation(rules, inputs, self.version, now)
        return evaluation

    def rules_for(self, client_id: int, kind: Kind, name: str) -> tuple[Rule, ...]:
        """The rules that speak of this client and of what has this kind and name, whatever else they ask for."""
        return self._index.matching(client_id, kind, name)

    def next_moment(self, now: float) -> float:
        """When, after ``now``, a window opens or closes next; infinity where none does. In seconds since the epoch."""
        since, until = self._unchanging
        if not since <= now < until:
            moments = (moment for rule in self._windows.values() for moment in (rule.begins, rule.ends))
            until = min((moment for moment in moments if moment is not None and moment > now), default=inf)
            self._unchanging = now, until
        return until


def _has_window(rule: Rule) -> bool:
    return rule.begins is not None or rule.ends is not None


def decide(  # noqa: PLR0913  (all that a decision depends on, and nothing else)
    principal: Principal,
    client: Client,
    target: Target,
    arguments: Mapping[str, Any] | None,
    policy: Policy,
    now: float,
) -> Decision:
    """Decide one call: default deny, and a deny rule beats every allow rule.

    ``client`` is the row of the principal's issuer and subject, and ``now`` is in seconds since the epoch. Without
    ``arguments`` it decides whether there are any with which the call would be allowed: what the caller may see.
    """
    if client.status != "active":
        blocked = client.status != "pending"
        return Decision(Reason.CLIENT_BLOCKED if blocked else Reason.CLIENT_PENDING, policy.version, client)
    if not target.exists:
        return Decision(Reason.UNKNOWN_TOOL, policy.version, client)
    if not target.enabled:
        return Decision(Reason.TOOL_DISABLED, policy.version, client)
    return policy.partial_evaluation(client, target, principal.token_scopes, now).decision(principal.claims, arguments)
