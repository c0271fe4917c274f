"""The one place that sequences a call: decide, open the record, run, close the record."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, InputRequiredResult

from authz_app.audit.entries import Closing, Opening, Outcome
from authz_app.audit.errors import AuditUnavailable
from authz_app.audit.redaction import recorded_json, redact_text
from authz_app.audit.writer import AuditWriter
from authz_app.ids import uuid7
from authz_app.policy import Client, Decision, Kind, Policy, Reason, Target, decide
from authz_app.policy_store import PolicyStore, PolicyUnavailable
from tools_app.call import Call, Channel
from tools_app.caller import Caller
from tools_app.execution import Execution, execute, failed
from tools_app.jsonrpc import INTERNAL_ERROR
from tools_app.refusals import refusal
from tools_app.registry import RegisteredTool, registered_tools
from tools_app.threads import ToolThreads

logger = logging.getLogger(__name__)
_GRACE = 10.0
_MAX_DECISIONS = 20


@dataclass(frozen=True, slots=True)
class Rooms:
    """What a call passes through, and the limits that hold there. Times in seconds."""

    policy: PolicyStore
    audit: AuditWriter
    threads: ToolThreads
    time_limit: float
    max_result_bytes: int
    contact: str
    worker: str


@dataclass(frozen=True, slots=True)
class Called:
    """What a call that ran came to, and its record; ``wire`` is the result as JSON has it."""

    record_id: UUID
    result: CallToolResult | InputRequiredResult
    wire: dict[str, Any]


def target_of(kind: Kind, name: str, policy: Policy) -> Target:
    """What a decision needs to know of what has this kind and name."""
    return Target(kind, name, exists=name in registered_tools(), enabled=(kind, name) not in policy.switched_off)


def visible_tools(caller_client: Client, caller: Caller, policy: Policy) -> list[RegisteredTool]:
    """The tools of which some call would be allowed now, by the same function that decides calls."""
    return [
        tool
        for name, tool in sorted(registered_tools().items())
        if decide(caller.principal, caller_client, target_of("tool", name, policy), policy).allowed
    ]


def visible_tool(caller: Caller, name: str, rooms: Rooms) -> RegisteredTool | None:
    """The tool of this name, if the caller may call it by the policy in memory; the call itself is decided anew."""
    policy, tool = rooms.policy.in_memory, registered_tools().get(name)
    if policy is None or tool is None:
        return None
    client = policy.clients.get((caller.principal.issuer, caller.principal.subject))
    if client is None:
        return None
    return tool if decide(caller.principal, client, target_of("tool", name, policy), policy).allowed else None


async def list_tools(caller: Caller, rooms: Rooms) -> list[RegisteredTool]:
    """The tools that the caller may call, under the policy as it is committed now.

    Raises:
        MCPError: the policy cannot be read.
    """
    try:
        policy = await rooms.policy.refreshed()
        client = await rooms.policy.client_of(caller.principal)
    except PolicyUnavailable as error:
        raise MCPError(INTERNAL_ERROR, str(error)) from error
    return visible_tools(client, caller, policy)


async def invoke(caller: Caller, name: str, arguments: dict[str, Any], channel: Channel, rooms: Rooms) -> Called:
    """Call a tool for a caller, if the policy allows it and the record is committed.

    Raises:
        CallRefused: the policy denies it.
        MCPError: it cannot be decided or recorded, so nothing was run; or the client did not do its part.
    """
    try:
        opening, decision = await _decided_and_recorded(caller, name, arguments, rooms)
    except (PolicyUnavailable, AuditUnavailable) as error:
        raise MCPError(INTERNAL_ERROR, str(error)) from error
    if not decision.allowed:
        raise refusal(opening.id, decision, name, caller, rooms.contact)
    call = Call(caller.principal, opening.id, channel, asyncio.get_running_loop())
    return await _run_and_close(opening, registered_tools()[name], arguments, call, rooms)


async def _decided_and_recorded(
    caller: Caller, name: str, arguments: dict[str, Any], rooms: Rooms
) -> tuple[Opening, Decision]:
    policy = await rooms.policy.policy()
    for _ in range(_MAX_DECISIONS):
        client = await rooms.policy.client_of(caller.principal)
        decision = decide(caller.principal, client, target_of("tool", name, policy), policy)
        opening = _opening(caller, name, arguments, decision, rooms)
        if await rooms.audit.open(opening):
            return opening, decision
        policy = await rooms.policy.refreshed()
    raise AuditUnavailable(_TOO_FAST)


async def record_blocked(caller: Caller, name: str | None, arguments: dict[str, Any], rooms: Rooms) -> UUID | None:
    """Record that a blocked client was refused; no ``name`` stands for the session itself.

    Returns the record's id, or None where the client is not blocked any more.

    Raises:
        AuditUnavailable, PolicyUnavailable: it can be neither decided nor recorded.
    """
    nothing = Target("tool", name or "", exists=False, enabled=False)
    policy = await rooms.policy.policy()
    for _ in range(_MAX_DECISIONS):
        decision = decide(caller.principal, await rooms.policy.client_of(caller.principal), nothing, policy)
        if decision.reason is not Reason.CLIENT_BLOCKED:
            return None
        opening = _opening(caller, name, arguments, decision, rooms)
        if await rooms.audit.open(opening):
            return opening.id
        policy = await rooms.policy.refreshed()
    raise AuditUnavailable(_TOO_FAST)


_TOO_FAST = "The permissions are changing faster than they can be read. Try again in a moment."


def _opening(caller: Caller, name: str | None, arguments: dict[str, Any], decision: Decision, rooms: Rooms) -> Opening:
    now = datetime.now(UTC)
    principal, client = caller.principal, decision.client
    deadline = now + timedelta(seconds=_time_limit(name, rooms) + _GRACE) if decision.allowed else None
    return Opening(
        id=uuid7(),
        at=now,
        kind="session" if name is None else "tool",
        tool=_recorded_name(name or ""),
        arguments=recorded_json(arguments),
        decision="allowed" if decision.allowed else "denied",
        reason=decision.reason.value,
        rules=orjson.dumps([{"id": rule.id, "sentence": rule.sentence} for rule in decision.determining]).decode(),
        policy_version=decision.policy_version,
        client_id=client.id,
        client_name=client.name,
        issuer=principal.issuer,
        subject=principal.subject,
        oauth_client_id=principal.oauth_client_id,
        token_scopes=" ".join(sorted(principal.token_scopes)),
        client_software=caller.client_software,
        mcp_session=caller.mcp_session,
        transport=caller.transport,
        protocol_version=caller.protocol_version,
        address=caller.address,
        worker=rooms.worker,
        deadline=deadline,
    )


def _recorded_name(name: str) -> str:
    return name if name in registered_tools() else redact_text(name, 128)[:128]


def _time_limit(name: str | None, rooms: Rooms) -> float:
    tool = registered_tools().get(name or "")
    return rooms.time_limit if tool is None or tool.time_limit is None else tool.time_limit


async def _run_and_close(
    opening: Opening, tool: RegisteredTool, arguments: dict[str, Any], call: Call, rooms: Rooms
) -> Called:
    started = time.perf_counter()
    try:
        execution = await execute(tool, arguments, call, rooms.threads, _time_limit(tool.name, rooms))
    except asyncio.CancelledError:
        _close(opening.id, Outcome.CANCELLED, started, rooms)
        raise
    execution, wire = _sendable(execution, opening, rooms.max_result_bytes)
    _close(opening.id, execution.outcome, started, rooms, execution)
    if fault := execution.fault:
        raise MCPError(fault.code, f"{fault} Record {opening.id}.", {**fault.data, "record": str(opening.id)})
    return Called(opening.id, execution.result, wire)


def _close(record_id: UUID, outcome: Outcome, started: float, rooms: Rooms, execution: Execution | None = None) -> None:
    milliseconds = round((time.perf_counter() - started) * 1000, 3)
    error = redact_text(execution.error, 500)[:500] if execution and execution.error else ""
    size = result_size(execution.result) if execution else 0
    rooms.audit.close(Closing(record_id, outcome, milliseconds, size, error))


def _sendable(execution: Execution, opening: Opening, limit: int) -> tuple[Execution, dict[str, Any]]:
    """The execution and its result as JSON has it; a failed one where it is too large, or no JSON (2**64, for one)."""
    try:
        wire = _dumped(execution.result)
        size = len(orjson.dumps(wire))
    except (TypeError, ValueError) as error:
        logger.error("The result of %s cannot be sent, record %s: %s", opening.tool, opening.id, error)
        text = f"{opening.tool} failed with an internal error, id {opening.id}."
        execution = failed(Outcome.CRASHED, text, "The result is no JSON.")
        return execution, _dumped(execution.result)
    if size > limit:
        execution = failed(Outcome.TOOL_ERROR, f"The result has {size} bytes, more than the {limit} that can be sent.")
        return execution, _dumped(execution.result)
    return execution, wire


def _dumped(result: CallToolResult | InputRequiredResult) -> dict[str, Any]:
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


def result_size(result: CallToolResult | InputRequiredResult) -> int:
    """The bytes of content that a result carries, before it is wrapped for the wire."""
    if isinstance(result, InputRequiredResult):
        return 0
    return sum(len((getattr(block, "text", "") or getattr(block, "data", "")).encode()) for block in result.content)
