"""Puts a decision into words, for whoever keeps the rules. Pure."""

from collections.abc import Sequence
from math import ceil

from authz_app.policy.decision import Decision, Reason, Target
from authz_app.policy.rule import Rule


def verdict_words(decision: Decision, target: Target) -> str:
    """Say in a sentence why the decision came out so, and name the rules that decided."""
    rules, several = _listed(decision.determining), len(decision.determining) > 1
    match decision.reason:
        case Reason.ALLOWED:
            limits = f", within the limits of {_listed(decision.limits)}" if decision.limits else ""
            return f"{_begin(rules)} {'allow' if several else 'allows'} it, and no rule denies it{limits}."
        case Reason.DENY_RULE:
            return f"{_begin(rules)} {'deny' if several else 'denies'} it, and a deny rule beats every allow rule."
        case Reason.NO_RULE:
            return "No rule allows it."
        case Reason.SCOPE_MISSING:
            lacking = " or ".join(" ".join(sorted(scopes)) for scopes in decision.missing_scopes)
            scopes = "token scope" if len(lacking.split()) == 1 else "token scopes"
            return f"The token lacks the {scopes} {lacking}, with which {rules} would allow it."
        case Reason.CONDITION_UNMET:
            return f"{_begin(rules)} would allow it, but not all conditions there are true."
        case Reason.LIMIT_REACHED:
            spent = "limits are" if several else "limit is"
            return f"{_begin(rules)}: the {spent} spent. The next call is possible in {ceil(decision.wait)} s."
        case Reason.POLICY_ERROR:
            return f"{_begin(rules)} cannot be read, and in doubt nothing is allowed."
    return _WITHOUT_RULES[decision.reason].format(target.kind)


def spent_words(rules: Sequence[Rule]) -> str:
    """Name limits that are spent, where a call would be allowed otherwise: a sentence, or nothing."""
    if not rules:
        return ""
    limits = "the limits of" if len(rules) > 1 else "the limit of"
    return f" Until {limits} {_listed(rules)} {'let' if len(rules) > 1 else 'lets'} more through, calls are refused."


_WITHOUT_RULES = {
    Reason.CLIENT_BLOCKED: "The client is blocked, so nothing is allowed to it, whatever the rules say.",
    Reason.CLIENT_PENDING: "The client is pending: nothing is allowed to it until somebody makes it active.",
    Reason.UNKNOWN_TOOL: "There is no such {}.",
    Reason.TOOL_DISABLED: "The {} is switched off, so it is refused to everybody.",
}


def _listed(rules: Sequence[Rule]) -> str:
    numbers = [str(rule.id) for rule in sorted(rules, key=lambda rule: rule.id)]
    several = f"{', '.join(numbers[:-1])} and {numbers[-1]}" if len(numbers) > 1 else "".join(numbers)
    return f"rule{'s' if len(numbers) > 1 else ''} {several}"


def _begin(words: str) -> str:
    return words[0].upper() + words[1:]
