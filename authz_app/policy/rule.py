"""Holds one compiled rule. Pure."""

from dataclasses import dataclass
from typing import Literal, get_args

from authz_app.policy.conditions import Condition
from authz_app.policy.globs import matches

Effect = Literal["allow", "deny", "limit"]
Kind = Literal["tool", "resource", "prompt"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# The kind in the row of a rule that speaks of every kind, also of kinds that come later.
EVERY_KIND = "all"
PERIOD_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many calls in any ``seconds``: for each client by itself, or for all of them together."""

    calls: int
    seconds: int
    per_client: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule that is switched on.

    ``clients`` is None for every client, and otherwise the ids that it names. ``tools`` are names or globs of tools, or
    of the other things that ``kind`` names; a kind of None is every kind. It is in force from ``begins`` on and before
    ``ends``, in seconds since the epoch. ``limit`` is there if and only if the effect is limit.

    ``listed_without_scopes``: what an allow rule allows is listed also to those who lack nothing but its token scopes.

    ``broken`` marks a rule that could not be read, and never helps a caller: such an allow rule allows nothing, and a
    rule that might have been anything is a deny rule that speaks of everything.
    """

    id: int
    effect: Effect
    clients: frozenset[int] | None
    token_scopes: frozenset[str]
    tools: tuple[str, ...]
    sentence: str
    broken: bool = False
    kind: Kind | None = "tool"
    conditions: tuple[Condition, ...] = ()
    begins: float | None = None
    ends: float | None = None
    limit: Limit | None = None
    listed_without_scopes: bool = False

    def speaks_of(self, kind: Kind, name: str) -> bool:
        """Whether it is about this kind, and one of the names or globs matches, case-sensitively."""
        return self.kind in (kind, None) and any(pattern == name or matches(pattern, name) for pattern in self.tools)

    def in_force_at(self, now: float) -> bool:
        return (self.begins is None or self.begins <= now) and (self.ends is None or now < self.ends)
