"""An explanation as JSON: what `can_i --json` prints, and what the page shows."""

from typing import Any

from authz_app.conditions import Verdict
from authz_app.explained_words import verdict_words
from authz_app.explanation import Concern
from tools_app.explaining import Explained

VERDICTS: dict[Verdict, str] = {True: "true", False: "false", None: "unknown"}


def as_json(explained: Explained) -> dict[str, Any]:
    """The decision, who and what it is about, and each rule that concerns it, those that decided first."""
    case, decision = explained.case, explained.explanation.decision
    return {
        "allowed": decision.allowed,
        "reason": decision.reason.value,
        "why": verdict_words(decision, case.target),
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


def _rule(concern: Concern) -> dict[str, Any]:
    return {
        "id": concern.rule.id,
        "effect": concern.rule.effect,
        "sentence": concern.rule.sentence,
        "decides": concern.decides,
        "applies": VERDICTS[concern.applies],
        "parts": [
            {"asks": part.asks, "verdict": VERDICTS[part.verdict], "found": part.found} for part in concern.parts
        ],
    }
