"""The answers to denied calls: enough for the caller to act on, and nothing of what it may not see."""

from math import ceil
from typing import Any
from uuid import UUID

from mcp.shared.exceptions import MCPError
from mcp_types import ErrorData
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from authz_app.conf import conf as authz_conf
from authz_app.policy.decision import Decision, Reason
from tools_app.invocation.access_request import AccessRequest
from tools_app.invocation.caller import SSE, STREAMABLE, Caller
from tools_app.wire.jsonrpc import INVALID_PARAMS, RESOURCE_NOT_FOUND, SERVER_BUSY

_PATHS = {SSE: "/sse", STREAMABLE: "/mcp"}
_MAX_SHOWN = 128


class CallDenied(MCPError):
    """A call was denied; its record is written. ``str()`` is for the caller.

    ``token_scopes`` are all that the call needs, where nothing is missing but some of them, and None otherwise.
    ``blocked`` says that the caller's client may do nothing at all here.
    """

    def __init__(
        self,
        text: str,
        data: dict[str, Any],
        *,
        code: int = INVALID_PARAMS,
        token_scopes: frozenset[str] | None = None,
        blocked: bool = False,
    ) -> None:
        super().__init__(code, text, data)
        self.token_scopes = token_scopes
        self.blocked = blocked


def denial(record_id: UUID, decision: Decision, request: AccessRequest, caller: Caller, contact: str) -> CallDenied:
    """The answer to a denied call. What is denied and what does not exist are answered in the same words."""
    where = f"Record {record_id}; ask {contact}."
    if decision.reason is Reason.SCOPE_MISSING:
        return _step_up(record_id, decision, request, caller, where)
    if decision.argument_paths:
        return _other_arguments(record_id, decision, request, where)
    if decision.reason is Reason.LIMIT_REACHED:
        return _later(record_id, decision, request, where)
    plain = {
        Reason.CLIENT_BLOCKED: "Your client is blocked here.",
        Reason.CLIENT_PENDING: "Your client is waiting for an administrator to make it active.",
    }.get(decision.reason)
    text = f"{plain or f'No {request.kind} {_shown(request)!r} is available to you.'} {where}"
    data, blocked = {"record": str(record_id)}, decision.reason is Reason.CLIENT_BLOCKED
    if request.record_kind != "resource":
        return CallDenied(text, data, blocked=blocked)
    # MCP, Resources, Error Handling.
    return CallDenied(text, {**data, "uri": request.uri}, code=_not_found(caller), blocked=blocked)


def _other_arguments(record_id: UUID, decision: Decision, request: AccessRequest, where: str) -> CallDenied:
    """The answer where other arguments would do. Only for a caller who may see what it asked for."""
    what, paths = f"The {request.kind} {_shown(request)!r}", ", ".join(decision.argument_paths)
    return CallDenied(
        f"{what} is available to you, but not with these arguments. Not allowed as it is: {paths}. {where}",
        {
            "error": "arguments_not_allowed",
            "arguments": list(decision.argument_paths),
            "record": str(record_id),
        },
    )


def _later(record_id: UUID, decision: Decision, request: AccessRequest, where: str) -> CallDenied:
    seconds = max(ceil(decision.wait), 1)
    return CallDenied(
        f"A limit on the {request.kind} {_shown(request)!r} is reached. Try again in {seconds} seconds. {where}",
        {"error": "limit_reached", "retry_after": seconds, "record": str(record_id)},
        code=SERVER_BUSY,
    )


def failure(error: ErrorData, request: AccessRequest, caller: Caller) -> MCPError:
    """The answer to a call that was allowed and failed, where MCP has no result that says so."""
    if error.code == RESOURCE_NOT_FOUND:
        return MCPError(_not_found(caller), error.message, {"uri": request.uri})
    return MCPError(error.code, error.message, error.data)


def _not_found(caller: Caller) -> int:
    """The code for a resource that is not there, as the caller's protocol version has it."""
    return INVALID_PARAMS if caller.protocol_version in MODERN_PROTOCOL_VERSIONS else RESOURCE_NOT_FOUND


def _shown(request: AccessRequest) -> str:
    """The name or the URI that the caller sent, cut to a length that fits a sentence."""
    sent = request.uri or request.name
    return sent if len(sent) <= _MAX_SHOWN else f"{sent[:_MAX_SHOWN]}..."


def _step_up(record_id: UUID, decision: Decision, request: AccessRequest, caller: Caller, where: str) -> CallDenied:
    needed = scopes_to_ask_for(decision, caller.principal.token_scopes)
    missing = " or ".join(repr(_listed(scopes)) for scopes in decision.missing_scopes)
    return CallDenied(
        f"Your access token lacks the token scope {missing} for the {request.kind} {_shown(request)!r}."
        f" Ask the authorization server for a token with {_listed(needed)!r}. {where}",
        {
            "error": "insufficient_scope",
            "scope": _listed(needed),
            "resource_metadata": authz_conf().resource_metadata_url(_PATHS[caller.transport], caller.host),
            "record": str(record_id),
        },
        token_scopes=needed,
    )


def scopes_to_ask_for(decision: Decision, token_scopes: frozenset[str]) -> frozenset[str]:
    """All token scopes that the call needs by the rule of which the token lacks the fewest (RFC 6750 section 3.1).

    Of one rule: what several ask for, taken together, could be more than anybody grants, or what a deny rule names.
    """
    candidates = [rule.token_scopes for rule in decision.determining]
    return min(candidates, key=lambda scopes: (len(scopes - token_scopes), len(scopes), sorted(scopes)))


def _listed(scopes: frozenset[str]) -> str:
    return " ".join(sorted(scopes))
