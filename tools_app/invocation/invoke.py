"""The one place that sequences a call: decide, open the record, run, close the record."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from mcp.shared.exceptions import MCPError
from mcp_types import ErrorData, Result

from authz_app.audit.entries import AuditUnavailable, Closing, Outcome, given_up
from authz_app.policy.decision import Decision, Reason
from authz_app.policy.limits import allowances, refused
from authz_app.policy.policy import decide
from authz_app.policy_store.store import PolicyUnavailable
from tools_app.call import Call, Channel
from tools_app.definitions.definitions import Runnable
from tools_app.invocation.access_request import AccessRequest
from tools_app.invocation.call_end import CallEnd
from tools_app.invocation.caller import Caller
from tools_app.invocation.denials import denial, failure
from tools_app.invocation.dependencies import Dependencies
from tools_app.invocation.execution import execute
from tools_app.invocation.opening import opening_of
from tools_app.invocation.record_contents import RecordContents, contents_of
from tools_app.wire.jsonrpc import INTERNAL_ERROR

logger = logging.getLogger(__name__)
_MAX_DECISIONS = 20
T = TypeVar("T")
_TOO_FAST = "The permissions are changing faster than they can be read. Try again in a moment."


@dataclass(frozen=True, slots=True)
class Called:
    """The result of a call that ran, and the id of its record; ``wire`` is the result as it goes into JSON."""

    record_id: UUID
    result: Result | ErrorData
    wire: dict[str, Any]


class _Committed(NamedTuple):
    """A decision whose record is committed."""

    record_id: UUID
    decision: Decision
    contents: RecordContents


async def invoke(caller: Caller, request: AccessRequest, channel: Channel, dependencies: Dependencies) -> Called:
    """Do what a caller asks for, if the policy allows it and the record is committed.

    Raises:
        CallDenied: the policy denies it.
        MCPError: it cannot be decided or recorded, and nothing was run; or it failed, or the client did not do its
            part, and MCP has no result for that.
    """
    loop = asyncio.get_running_loop()
    deciding = loop.create_task(_decide_and_commit(caller, request, dependencies))
    try:
        committed, cancelled = await _to_its_end(deciding)
    except (PolicyUnavailable, AuditUnavailable) as error:
        raise MCPError(INTERNAL_ERROR, str(error)) from error
    if not committed.decision.allowed or request.runs is None:
        raise denial(committed.record_id, committed.decision, request, caller, dependencies.contact)
    if cancelled is not None:
        dependencies.audit.close(given_up(committed.record_id))
        raise cancelled
    call = Call(caller.principal, committed.record_id, channel, loop, recording=committed.contents.recording)
    called = await _run_and_close(request.runs, committed.contents, call, dependencies)
    if isinstance(called.result, ErrorData):
        raise failure(called.result, request, caller)
    return called


async def _to_its_end(work: "asyncio.Task[T]") -> tuple[T, asyncio.CancelledError | None]:
    """Let the work end, and return its result with the cancellation that arrived meanwhile.

    A cancelled call may be a denied one: when a client is blocked, its sessions end. Then its caller is told of the
    denial. A second cancellation is obeyed at once.
    """
    try:
        return await asyncio.shield(work), None
    except asyncio.CancelledError as cancelled:
        return await work, cancelled


async def record_blocked(caller: Caller, request: AccessRequest, dependencies: Dependencies) -> UUID | None:
    """Record that a blocked client was refused.

    Returns the record's id, or None where the client is not blocked any more.

    Raises:
        AuditUnavailable, PolicyUnavailable: it can be neither decided nor recorded.
    """
    try:
        return (await _decide_and_commit(caller, request, dependencies, only_blocked=True)).record_id
    except _NotBlocked:
        return None


async def record_refused(caller: Caller, request: AccessRequest, why: str, dependencies: Dependencies) -> UUID:
    """Record a call that will not be made, whatever is decided of it; ``why`` is a sentence. Returns the record's id.

    Raises:
        AuditUnavailable, PolicyUnavailable: it can be neither decided nor recorded.
    """
    committed = await _decide_and_commit(caller, request, dependencies, counts=False)
    if committed.decision.allowed:
        error = committed.contents.error(why, Outcome.NOT_RUN)
        dependencies.audit.close(Closing(committed.record_id, Outcome.NOT_RUN, 0.0, error=error))
    return committed.record_id


class _NotBlocked(Exception):
    """The caller's client is not blocked, or not any more."""


async def _decide_and_commit(
    caller: Caller,
    request: AccessRequest,
    dependencies: Dependencies,
    *,
    only_blocked: bool = False,
    counts: bool = True,
) -> _Committed:
    """Decide, and commit the record if the policy is still the same by then; else decide again."""
    policy = await dependencies.policy.policy()
    for _ in range(_MAX_DECISIONS):
        client = await dependencies.policy.client_of(caller.principal)
        decision = decide(caller.principal, client, request.target(policy), request.decided, policy, time.time())
        if only_blocked and decision.reason is not Reason.CLIENT_BLOCKED:
            raise _NotBlocked
        contents = contents_of(request, policy)
        opening = opening_of(caller, contents, decision, dependencies)
        # A completion counts against no limit: it does not use what is completed.
        limits = allowances(decision) if counts and request.record_kind != "completion" else ()
        settled = await dependencies.audit.open(opening, limits)
        if settled:
            return _Committed(opening.id, decision if settled is True else refused(decision, settled), contents)
        policy = await dependencies.policy.refreshed()
    raise AuditUnavailable(_TOO_FAST)


async def _run_and_close(runs: Runnable, contents: RecordContents, call: Call, dependencies: Dependencies) -> Called:
    started, record_id = time.perf_counter(), call.record_id
    end = CallEnd(runs, contents, call, dependencies.max_result_bytes)
    limit = contents.request.time_limit(dependencies.time_limit)
    try:
        ended = await execute(end, dependencies.threads, limit)
    except asyncio.CancelledError:
        dependencies.audit.close(Closing(record_id, Outcome.CANCELLED, _milliseconds(started)))
        raise
    took = _milliseconds(started)
    dependencies.audit.close(Closing(record_id, ended.outcome, took, ended.size, ended.error, ended.recorded))
    return Called(record_id, ended.result, ended.wire)


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
