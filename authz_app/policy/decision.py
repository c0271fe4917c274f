"""The values on both sides of the policy: client and target before it, decision and reason behind it. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from authz_app.policy.conditions import Condition
from authz_app.policy.rule import Kind, Rule


class Reason(StrEnum):
    """Why a call was allowed or denied. The record keeps it; a refused caller learns it only where that is safe."""

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


@dataclass(frozen=True, slots=True)
class Shape:
    """The values that the arguments of a call can have.

    ``texts``: texts alone, as MCP has it for prompts. ``only`` names the argument of a call that has no other: it is
    never missing, and is a text that the glob ``pattern`` matches, and none of the globs ``never``. ``accepts`` tells
    whether such a text is possible.
    """

    texts: bool = False
    only: str = ""
    pattern: str = "*"
    never: tuple[str, ...] = ()
    accepts: Callable[[str], bool] | None = None


ANY_ARGUMENTS = Shape()


class Target(NamedTuple):
    """The tool, the resource or the prompt that is asked for, as far as a decision needs to know it.

    ``annotations`` are MCP's, by their names on the wire. ``shape`` tells which arguments a call of it can have.
    """

    kind: Kind
    name: str
    exists: bool
    enabled: bool
    annotations: Mapping[str, Any] = MappingProxyType({})
    shape: Shape = ANY_ARGUMENTS


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether one call is allowed, why, and which rules decided.

    ``missing_scopes`` holds, for SCOPE_MISSING alone, each set of token scopes that would be enough to add. ``limits``
    are the limit rules within which a call is allowed. ``argument_paths`` are there if and only if the caller may see
    what it asked for, and other arguments would do: the paths where they would have to differ. ``claims`` are the
    conditions on claims of all rules that concern the call, whatever their verdict. ``wait`` is the number of seconds
    after which to try again, for a call whose limit is spent. ``listed_without`` is for a decision without arguments
    where no call is allowed: each set of token scopes that it takes to add by a rule that has it listed all the same.
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
    listed_without: tuple[frozenset[str], ...] = ()

    @property
    def listed(self) -> bool:
        """Whether the caller may see it. Asked of a decision without arguments."""
        return self.allowed or bool(self.listed_without)

    @property
    def allowed(self) -> bool:
        return self.reason is Reason.ALLOWED
