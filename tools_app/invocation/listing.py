"""Lists the tools, resources and prompts that a caller may see, and tells which lists have changed."""

import time
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from itertools import zip_longest
from typing import NamedTuple

from mcp.shared.exceptions import MCPError
from mcp_types import Prompt, Resource, ResourceTemplate, Tool

from authz_app.policy.decision import Client
from authz_app.policy.policy import Policy, decide
from authz_app.policy.rule import KINDS, Kind
from authz_app.policy_store.store import PolicyUnavailable
from tools_app.definitions.definitions import Definition, ToolDefinition
from tools_app.invocation.access_request import target_of
from tools_app.invocation.caller import Caller
from tools_app.invocation.dependencies import Dependencies
from tools_app.registry import registered, registered_tools
from tools_app.wire import jsonrpc

Seen = frozenset[tuple[Kind, str]]


class Visible(NamedTuple):
    """What the caller could use now, or could if its token carried more: ``lacks`` says which scopes, or is empty."""

    definition: Definition
    lacks: str = ""

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def listed(self) -> Tool | Resource | ResourceTemplate | Prompt:
        """What MCP clients see of it."""
        listed = self.definition.listed
        if not self.lacks:
            return listed
        needs = f"Needs the token scope {self.lacks}, which your access token lacks."
        return listed.model_copy(update={"description": f"{listed.description or ''}\n\n{needs}".lstrip()})


def visible(kind: Kind, client: Client, caller: Caller, policy: Policy) -> list[Visible]:
    """What the caller may see of one kind now, by the same function that decides its calls."""
    now, found = time.time(), []
    for name, entry in sorted(registered(kind).items()):
        decision = decide(caller.principal, client, target_of(kind, name, True, policy), None, policy, now)
        if decision.listed:
            found.append(Visible(entry, lacking_words(decision.listed_without)))
    return found


def lacking_words(listed_without: Iterable[frozenset[str]]) -> str:
    """Each set of token scopes that would be enough to add, in words."""
    return " or ".join(repr(" ".join(sorted(scopes))) for scopes in listed_without)


def seen_by(client: Client, caller: Caller, policy: Policy) -> Seen:
    """Kind and name of everything on the caller's lists. Callers who see the same share the same set.

    What is there without the token scopes that it needs looks different, and counts as another.
    """
    return _shared(
        frozenset(
            (kind, f"{entry.name} {entry.lacks}".rstrip())
            for kind in KINDS
            for entry in visible(kind, client, caller, policy)
        )
    )


@lru_cache(maxsize=1_024)
def _shared(seen: Seen) -> Seen:
    return seen


def changed_kinds(before: Seen, after: Seen) -> list[Kind]:
    changed = {kind for kind, _ in before ^ after}
    return [kind for kind in KINDS if kind in changed]


def digest_of(seen: Seen) -> str:
    """A digest of a caller's lists, with a part for each kind."""
    return ".".join(_digest(" ".join(sorted(name for seen_kind, name in seen if seen_kind == kind))) for kind in KINDS)


def _digest(names: str) -> str:
    return sha256(names.encode()).hexdigest()[:16]


def changed_since(before: str, now: str) -> list[Kind]:
    """The kinds whose parts differ between two digests."""
    parts = zip_longest(KINDS, before.split("."), now.split("."))
    return [kind for kind, then, part in parts if kind is not None and then != part]


# By kind, the notification that tells a client of the handshake era that its list has changed.
LIST_CHANGED = {kind: jsonrpc.notification_of(f"notifications/{kind}s/list_changed", None) for kind in KINDS}


async def listed(kind: Kind, caller: Caller, dependencies: Dependencies) -> list[Visible]:
    """What the caller may see of one kind, under the policy as it is committed now.

    Raises:
        MCPError: the policy cannot be read.
    """
    try:
        policy = await dependencies.policy.refreshed()
        client = await dependencies.policy.client_of(caller.principal)
    except PolicyUnavailable as error:
        raise MCPError(jsonrpc.INTERNAL_ERROR, str(error)) from error
    return visible(kind, client, caller, policy)


def visible_tool(caller: Caller, name: str, dependencies: Dependencies) -> ToolDefinition | None:
    """The tool of this name, if the caller may see it by the policy in memory; the call itself is decided anew."""
    tool, policy = registered_tools().get(name), dependencies.policy.in_memory
    client = policy.clients.get((caller.principal.issuer, caller.principal.subject)) if policy is not None else None
    if tool is None or policy is None or client is None:
        return None
    decision = decide(caller.principal, client, target_of("tool", name, True, policy), None, policy, time.time())
    return tool if decision.listed else None
