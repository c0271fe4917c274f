"""What is decided, about whom and what: the values on both sides of the policy. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from authz_app.policy.conditions import Condition
from authz_app.policy.rule import Kind, Rule
from authz_app.policy.satisfiability import ANY_ARGUMENTS, Shape


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
    CONDITION_UNMET = "condition_unmet"
    LIMIT_REACHED = "limit_reached"
    POLICY_ERROR = "policy_error"


@dataclass(frozen=True, slots=True)
class Client:
    """The administrator's row for one issuer and subject, as a decision reads it."""

    id: int
    issuer: str
    subject: str
    status: str
    name: str


class Target(NamedTuple):
    """What a decision needs to know of the tool, the resource or the prompt that is asked for.

    ``annotations`` are MCP's, by their names on the wire. ``shape`` is what the arguments of any call of it can be.
    """

    kind: Kind
    name: str
    exists: bool
    enabled: bool
    annotations: Mapping[str, Any] = MappingProxyType({})
    shape: Shape = ANY_ARGUMENTS


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says of one call, why, and which rules decided.

    ``missing_scopes`` holds, for SCOPE_MISSING alone, each set of token scopes that would be enough to add. ``limits``
    are, of a call that is allowed, the limit rules within which it is. ``argument_paths`` are there if and only if the
    caller may see what it asked for, and other arguments would do: the paths where they would have to differ.
    ``claims`` are the conditions on claims of all rules that concern the call, whatever came of them. ``wait`` is, of
    a call for which a limit is spent, after how many seconds to try again.
    """

    reason: Reason
    policy_version: int
    client: Client
    determining: tuple[Rule, ...] = ()
    missing_scopes: tuple[frozenset[str], ...] = ()
    limits: tuple[Rule, ...] = ()
    argument_paths: tuple[str, ...] = ()
    claims: tuple[Condition, ...] = ()
    wait: float = 0.0

    @property
    def allowed(self) -> bool:
        return self.reason is Reason.ALLOWED
