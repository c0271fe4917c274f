"""Stops all calls: a deny rule for everybody, of every kind, which names who made it and why. Undone by deleting it."""

from django.db.models import QuerySet

from authz_app.models import Rule

# A rule that somebody has narrowed down stops less, and is no emergency stop.
_EVERYTHING = {
    "effect": Rule.Effect.DENY,
    "applies_to": Rule.AppliesTo.EVERY_CLIENT,
    "kind": Rule.Kind.ALL,
    "token_scopes": "",
    "tools": "*",
    "conditions": "",
    "valid_from": None,
    "valid_until": None,
}


def in_force() -> QuerySet[Rule]:
    """The rules that stop all calls now; mostly none, or one."""
    return Rule.objects.filter(**_EVERYTHING, stopped_by__gt="", enabled=True)


def stop(who: str, why: str) -> Rule:
    """Add such a rule: from its commit on, nothing is allowed to anybody."""
    return Rule.objects.create(**_EVERYTHING, stopped_by=who, note=why)
