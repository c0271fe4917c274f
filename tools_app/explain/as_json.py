"""Writes an explanation as JSON, for `can_i --json` and for the page."""

from typing import Any

from authz_app.explain.explanation import Concern
from authz_app.explain.wording import spent_words, verdict_words
from authz_app.policy.conditions import Verdict
from authz_app.policy.rule import Rule
from tools_app.explain.explain import Explained

VERDICTS: dict[Verdict, str] = {True: "true", False: "false", None: "unknown"}


def as_json(explained: Explained) -> dict[str, Any]:
    """The decision, who and what it is about, and each rule that concerns it, those that decided first."""
    case, decision = explained.case, explained.explanation.decision
    return {
        "allowed": decision.allowed,
        "reason": decision.reason.value,
        "why": verdict_words(decision, case.target) + spent_words(_spent(explained)),
        "client": {
            "name": case.client.name,
            "issuer": case.client.issuer,
            "subject": case.client.subject,
            "status": case.client.status,
            "known": case.client.id != 0,
        },
        "token_scopes": sorted(case.principal.token_scopes),
        "kind": case.target.kind,
        "name": case.target.name,
        "arguments": case.arguments,
        "example": explained.explanation.example,
        "at": explained.moment.at.isoformat(),
        "policy_version": decision.policy_version,
        "rules": [_rule(concern) for concern in explained.explanation.concerns],
    }


def _spent(explained: Explained) -> list[Rule]:
    """The limits that are spent though it is allowed: they hide nothing, so they do not decide what may be called."""
    if not explained.explanation.decision.allowed:
        return []
    return [
        concern.rule
        for concern in explained.explanation.concerns
        if concern.rule.limit is not None
        and concern.applies
        and any(clause.verdict is False for clause in concern.clauses)
    ]


def _rule(concern: Concern) -> dict[str, Any]:
    return {
        "id": concern.rule.id,
        "effect": concern.rule.effect,
        "sentence": concern.rule.sentence,
        "decides": concern.decides,
        "applies": VERDICTS[concern.applies],
        "parts": [
            {"asks": clause.asks, "verdict": VERDICTS[clause.verdict], "found": clause.found}
            for clause in concern.clauses
        ],
    }
