"""Decide calls of tools, reads of resources, uses of prompts. Pure: knows nothing of HTTP, Django or MCP."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from authz_app.principal import Principal


class Reason(StrEnum):
    """Why a decision came out as it did. The record keeps it; a refused caller is told it only where that is safe."""

    ALLOWED = "allowed"
    NO_RULE = "no_rule"
    DENY_RULE = "deny_rule"
    CLIENT_BLOCKED = "client_blocked"
    CLIENT_PENDING = "client_pending"
    SCOPE_MISSING = "scope_missing"
    UNKNOWN_TOOL = "unknown_tool"
    TOOL_DISABLED = "tool_disabled"
    POLICY_ERROR = "policy_error"


Effect = Literal["allow", "deny"]
Kind = Literal["tool", "resource", "prompt"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Client:
    """The administrator's row for one issuer and subject, as a decision reads it."""

    id: int
    issuer: str
    subject: str
    status: str
    name: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule that is switched on.

    ``clients`` is None for every client, and otherwise the ids that it names. ``tools`` are names or globs, of tools or
    of what else ``kind`` says; None there is for every kind. ``broken`` marks what could not be read: it is a deny rule
    that speaks of everything, since the unreadable might have been one.
    """

    id: int
    effect: Effect
    clients: frozenset[int] | None
    token_scopes: frozenset[str]
    tools: tuple[str, ...]
    sentence: str
    broken: bool = False
    kind: Kind | None = "tool"

    def speaks_of(self, kind: Kind, name: str) -> bool:
        """Whether it is about this kind, and one of the names or globs matches, case-sensitively."""
        return self.kind in (kind, None) and any(
            pattern == name or _glob(pattern).match(name) is not None for pattern in self.tools
        )


@lru_cache(maxsize=16_384)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


class Target(NamedTuple):
    """What a decision needs to know of the tool, the resource or the prompt that is asked for."""

    kind: Kind
    name: str
    exists: bool
    enabled: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says of one call, why, and which rules decided.

    ``missing_scopes`` holds, for SCOPE_MISSING alone, each set of token scopes that would be enough to add.
    """

    reason: Reason
    policy_version: int
    client: Client
    determining: tuple[Rule, ...] = ()
    missing_scopes: tuple[frozenset[str], ...] = ()

    @property
    def allowed(self) -> bool:
        return self.reason is Reason.ALLOWED


class _RuleIndex:
    """Rules that concern the same clients, found by what they speak of without reading them all."""

    __slots__ = ("_exact", "_globs", "_matching")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._exact: dict[tuple[Kind | None, str], list[Rule]] = {}
        self._globs: list[Rule] = []
        self._matching: dict[tuple[Kind, str], tuple[Rule, ...]] = {}
        for rule in rules:
            if rule.kind is None or any(_GLOB_CHARACTERS.intersection(pattern) for pattern in rule.tools):
                self._globs.append(rule)
            else:
                for name in dict.fromkeys(rule.tools):  # twice in a rule is once in a decision
                    self._exact.setdefault((rule.kind, name), []).append(rule)

    def matching(self, kind: Kind, name: str) -> tuple[Rule, ...]:
        found = self._matching.get((kind, name))
        if found is None:
            globs = (rule for rule in self._globs if rule.speaks_of(kind, name))
            # Asked for what is registered alone, so what is kept is bounded by its number.
            found = self._matching[kind, name] = (*self._exact.get((kind, name), ()), *globs)
        return found


_GLOB_CHARACTERS = frozenset("*?[")
_MAX_REMEMBERED = 10_000
_NO_RULES = _RuleIndex(())


class Policy:
    """All clients and rules under one policy version, indexed so that a decision reads few of them.

    Never changed, but for clients that are seen for the first time: their rows are added when they are read.
    """

    __slots__ = ("_decided", "_every", "_named", "clients", "rules", "switched_off", "version")

    def __init__(
        self,
        version: int,
        *,
        clients: dict[tuple[str, str], Client],
        rules: Mapping[int, Rule],
        switched_off: frozenset[tuple[Kind, str]] = frozenset(),
    ) -> None:
        self.version = version
        self.clients = clients
        self.rules = rules
        self.switched_off = switched_off
        self._decided: dict[tuple[Client, Target, frozenset[str]], Decision] = {}
        named: dict[int, list[Rule]] = {}
        for rule in rules.values():
            for client_id in rule.clients or ():
                named.setdefault(client_id, []).append(rule)
        self._every = _RuleIndex(rule for rule in rules.values() if rule.clients is None)
        self._named = {client_id: _RuleIndex(theirs) for client_id, theirs in named.items()}

    def remembered(self, client: Client, target: Target, token_scopes: frozenset[str]) -> Decision:
        """What is decided for these, worked out once: a policy never changes, and neither does what it says."""
        key = (client, target, token_scopes)
        decision = self._decided.get(key)
        if decision is None:
            if len(self._decided) >= _MAX_REMEMBERED:
                self._decided.clear()
            rules = self.rules_for(client.id, target.kind, target.name)
            decision = self._decided[key] = _decide_by_rules(token_scopes, client, rules, self.version)
        return decision

    def rules_for(self, client_id: int, kind: Kind, name: str) -> tuple[Rule, ...]:
        """The rules that speak of this client and of what has this kind and name, whatever the token scopes."""
        return self._every.matching(kind, name) + self._named.get(client_id, _NO_RULES).matching(kind, name)


def decide(principal: Principal, client: Client, target: Target, policy: Policy) -> Decision:
    """Decide one call: default deny, and a deny rule beats every allow rule.

    ``client`` is the row of the principal's issuer and subject. The order of rules never matters.
    """
    if client.status != "active":
        blocked = client.status != "pending"
        return Decision(Reason.CLIENT_BLOCKED if blocked else Reason.CLIENT_PENDING, policy.version, client)
    if not target.exists:
        return Decision(Reason.UNKNOWN_TOOL, policy.version, client)
    if not target.enabled:
        return Decision(Reason.TOOL_DISABLED, policy.version, client)
    return policy.remembered(client, target, principal.token_scopes)


def _decide_by_rules(token_scopes: frozenset[str], client: Client, rules: Sequence[Rule], version: int) -> Decision:
    in_force = [rule for rule in rules if rule.token_scopes <= token_scopes]
    if denies := tuple(rule for rule in in_force if rule.effect == "deny"):
        broken = all(rule.broken for rule in denies)
        return Decision(Reason.POLICY_ERROR if broken else Reason.DENY_RULE, version, client, denies)
    if allows := tuple(in_force):
        return Decision(Reason.ALLOWED, version, client, allows)
    cures = tuple(rule for rule in rules if _scopes_would_cure(rule, token_scopes, rules))
    if cures:
        missing = tuple(dict.fromkeys(rule.token_scopes - token_scopes for rule in cures))
        return Decision(Reason.SCOPE_MISSING, version, client, cures, missing)
    return Decision(Reason.NO_RULE, version, client)


def _scopes_would_cure(allow: Rule, token_scopes: frozenset[str], rules: Sequence[Rule]) -> bool:
    """Whether the call would be allowed if the token carried what this rule asks for, and nothing else were added."""
    if allow.effect != "allow":
        return False
    enough = token_scopes | allow.token_scopes
    return not any(rule.effect == "deny" and rule.token_scopes <= enough for rule in rules)
