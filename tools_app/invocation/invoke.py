"""The one place that sequences a call: decide, open the record, run, close the record."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import orjson
from mcp.shared.exceptions import MCPError
from mcp_types import ErrorData, Result

from authz_app.audit.entries import AuditUnavailable, Closing, Opening, Outcome
from authz_app.audit.writer import AuditWriter
from authz_app.core.ids import uuid7
from authz_app.policy.conditions import picked
from authz_app.policy.decision import Decision, Reason, Target
from authz_app.policy.limits import Allowance, allowances, refused
from authz_app.policy.policy import Policy, decide
from authz_app.policy.rule import Kind
from authz_app.policy_store.store import PolicyStore, PolicyUnavailable
from authz_app.redaction.audit_level import Level, Recording
from authz_app.redaction.redact import recorded_json
from tools_app.call import Call, Channel
from tools_app.definitions.definitions import Runnable
from tools_app.invocation.access_request import Asked
from tools_app.invocation.caller import Caller
from tools_app.invocation.denials import failure, refusal
from tools_app.invocation.execution import Execution, execute, failed
from tools_app.invocation.record_contents import (
    recorded_arguments,
    recorded_error,
    recorded_name,
    recorded_result,
    recording_of,
)
from tools_app.invocation.result_size import result_size
from tools_app.invocation.threads import ToolThreads
from tools_app.registry import registered
from tools_app.sessions.session import SessionStore
from tools_app.wire.jsonrpc import INTERNAL_ERROR

logger = logging.getLogger(__name__)
_GRACE = 10.0
_MAX_DECISIONS = 20
T = TypeVar("T")


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
    sessions: SessionStore


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a call that ran, and its record; ``wire`` is the result as JSON has it."""

    record_id: UUID
    result: Result | ErrorData
    wire: dict[str, Any]


def target_of(kind: Kind, name: str, exists: bool, policy: Policy) -> Target:
    """What a decision needs to know of what has this kind and name."""
    found, enabled = registered(kind).get(name), (kind, name) not in policy.switched_off
    if found is None:
        return Target(kind, name, exists, enabled)
    return Target(kind, name, exists, enabled, found.annotations, found.shape)


async def invoke(caller: Caller, asked: Asked, channel: Channel, rooms: Rooms) -> Called:
    """Do what a caller asks for, if the policy allows it and the record is committed.

    Raises:
        CallRefused: the policy denies it.
        MCPError: it cannot be decided or recorded, and nothing was run; or it failed, or the client did not do its
            part, and MCP has no result for that.
    """
    deciding = asyncio.ensure_future(_decided_and_recorded(caller, asked, rooms))
    try:
        (opening, decision, recording), cancelled = await _to_its_end(deciding)
    except (PolicyUnavailable, AuditUnavailable) as error:
        raise MCPError(INTERNAL_ERROR, str(error)) from error
    if not decision.allowed or asked.runs is None:
        raise refusal(opening.id, decision, asked, caller, rooms.contact)
    if cancelled is not None:
        rooms.audit.close(Closing(opening.id, Outcome.CANCELLED, 0.0, error="Given up before it was run."))
        raise cancelled
    call = Call(caller.principal, opening.id, channel, asyncio.get_running_loop(), recording=recording)
    called = await _run_and_close(opening, asked, asked.runs, call, rooms)
    if isinstance(called.result, ErrorData):
        raise failure(called.result, asked, caller)
    return called


async def _to_its_end(work: "asyncio.Task[T]") -> tuple[T, asyncio.CancelledError | None]:
    """What came of the work, and the cancellation that arrived meanwhile.

    What cancels a call may be what denies it: a blocked client's sessions end. Its caller is told of the denial.
    A second cancellation is obeyed at once.
    """
    try:
        return await asyncio.shield(work), None
    except asyncio.CancelledError as cancelled:
        return await work, cancelled


async def _decided_and_recorded(caller: Caller, asked: Asked, rooms: Rooms) -> tuple[Opening, Decision, Recording]:
    policy = await rooms.policy.policy()
    for _ in range(_MAX_DECISIONS):
        client = await rooms.policy.client_of(caller.principal)
        target = target_of(asked.kind, asked.name, asked.runs is not None, policy)
        decision = decide(caller.principal, client, target, asked.decided, policy, time.time())
        recording = recording_of(asked, policy)
        opening = _opening(caller, asked, decision, recording, rooms)
        settled = await rooms.audit.open(opening, _allowances(asked, decision))
        if settled:
            return opening, decision if settled is True else refused(decision, settled), recording
        policy = await rooms.policy.refreshed()
    raise AuditUnavailable(_TOO_FAST)


def _allowances(asked: Asked, decision: Decision) -> tuple[Allowance, ...]:
    """The limits to count against. A completion is no use of what it is for."""
    return () if asked.record_kind == "completion" else allowances(decision)


async def record_blocked(caller: Caller, asked: Asked, rooms: Rooms) -> UUID | None:
    """Record that a blocked client was refused.

    Returns the record's id, or None where the client is not blocked any more.

    Raises:
        AuditUnavailable, PolicyUnavailable: it can be neither decided nor recorded.
    """
    nothing = Target(asked.kind, asked.name, exists=False, enabled=False)
    policy = await rooms.policy.policy()
    for _ in range(_MAX_DECISIONS):
        client = await rooms.policy.client_of(caller.principal)
        decision = decide(caller.principal, client, nothing, asked.decided, policy, time.time())
        if decision.reason is not Reason.CLIENT_BLOCKED:
            return None
        opening = _opening(caller, asked, decision, recording_of(asked, policy), rooms)
        if await rooms.audit.open(opening):
            return opening.id
        policy = await rooms.policy.refreshed()
    raise AuditUnavailable(_TOO_FAST)


_TOO_FAST = "The permissions are changing faster than they can be read. Try again in a moment."


def _opening(caller: Caller, asked: Asked, decision: Decision, recording: Recording, rooms: Rooms) -> Opening:
    now = datetime.now(UTC)
    principal, client = caller.principal, decision.client
    deadline = now + timedelta(seconds=_time_limit(asked, rooms) + _GRACE) if decision.allowed else None
    return Opening(
        id=uuid7(),
        at=now,
        kind=asked.record_kind,
        tool=recorded_name(asked, recording),
        arguments=recorded_arguments(asked, recording),
        decision="allowed" if decision.allowed else "denied",
        reason=decision.reason.value,
        rules=orjson.dumps([{"id": rule.id, "sentence": rule.sentence} for rule in decision.determining]).decode(),
        policy_version=decision.policy_version,
        claims=recorded_json(picked(decision.claims, principal.claims)) if decision.claims else "",
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


def _time_limit(asked: Asked, rooms: Rooms) -> float:
    limit = None if asked.runs is None else asked.runs.time_limit
    return rooms.time_limit if limit is None else limit


async def _run_and_close(opening: Opening, asked: Asked, runs: Runnable, call: Call, rooms: Rooms) -> Called:
    started = time.perf_counter()
    try:
        execution = await execute(runs, asked, call, rooms.threads, _time_limit(asked, rooms))
    except asyncio.CancelledError:
        rooms.audit.close(Closing(opening.id, Outcome.CANCELLED, _milliseconds(started)))
        raise
    execution, wire = _sendable(execution, runs, opening, rooms.max_result_bytes)
    took, size, recording = _milliseconds(started), result_size(execution.result), call.recording
    error = recorded_error(execution.error, execution.outcome, asked, recording) if execution.error else ""
    result = recorded_result(wire, asked, recording) if recording.level is Level.RESULT else ""
    rooms.audit.close(Closing(opening.id, execution.outcome, took, size, error, result))
    return Called(opening.id, execution.result, wire)


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)


def _sendable(execution: Execution, runs: Runnable, opening: Opening, limit: int) -> tuple[Execution, dict[str, Any]]:
    """The execution and its result as JSON has it; a failed one where it is too large, or no JSON (2**64, for one)."""
    try:
        wire = _dumped(execution.result)
        size = len(orjson.dumps(wire))
    except (TypeError, ValueError) as error:
        logger.error("The result of %s cannot be sent, record %s: %s", opening.tool, opening.id, error)
        text = f"{opening.tool} failed with an internal error, id {opening.id}."
        execution = failed(runs, Outcome.CRASHED, text, "The result is no JSON.")
        return execution, _dumped(execution.result)
    if size > limit:
        text = f"The result has {size} bytes, more than the {limit} that can be sent."
        execution = failed(runs, Outcome.TOOL_ERROR, text)
        return execution, _dumped(execution.result)
    return execution, wire


def _dumped(result: Result | ErrorData) -> dict[str, Any]:
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)
