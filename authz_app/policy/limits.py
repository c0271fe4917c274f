"""Limit rules as the audit counts against them, and what a spent one makes of a decision. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from authz_app.audit.entries import Allowance, Spent
from authz_app.policy.decision import Client, Decision, Reason
from authz_app.policy.rule import Rule


def allowances(decision: Decision) -> tuple[Allowance, ...]:
    """The limits that a call which is allowed counts against."""
    return allowances_of(decision.limits, decision.client) if decision.limits else ()


def allowances_of(rules: Iterable[Rule], client: Client) -> tuple[Allowance, ...]:
    """The limits of those rules that have one, as calls of this client count against them."""
    return tuple(
        Allowance(
            rule.id,
            client.id if rule.limit.per_client else 0,
            rule.limit.calls,
            rule.limit.seconds,
            rule.sentence,
        )
        for rule in rules
        if rule.limit is not None
    )


def refused(decision: Decision, spent: Spent) -> Decision:
    """The decision, now that limits are known to be spent."""
    by = {allowance.rule_id for allowance in spent.allowances}
    determining = tuple(rule for rule in decision.limits if rule.id in by)
    return replace(decision, reason=Reason.LIMIT_REACHED, determining=determining, wait=spent.wait)
