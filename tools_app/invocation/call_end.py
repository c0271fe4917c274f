"""Makes the end of a call of what its function returned or raised: the outcome, the answer, and what is recorded.

All of it may run code of the function's author (serializers, properties, what an exception says of itself). So it runs
where the function ran, within its time limit, and nothing is raised.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ErrorData, InputRequiredResult, Result

from authz_app import json_text
from authz_app.audit.entries import Outcome
from tools_app.call import Call
from tools_app.definitions.definitions import Runnable
from tools_app.errors import ArgumentsRefused, ClientFault, NotFound, ToolFailure, UnfitResult
from tools_app.invocation.crash_log import log_crash, log_unfit, type_name, unfit_error
from tools_app.invocation.record_contents import RecordContents
from tools_app.invocation.result_size import result_size
from tools_app.wire.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, RESOURCE_NOT_FOUND

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Execution:
    """The end of a call: its outcome, and the answer for the caller; ``wire`` is the answer as it goes into JSON.

    The record has ``size`` (bytes), ``error`` in words, and of the result what is ``recorded``.
    """

    outcome: Outcome
    result: Result | ErrorData
    wire: dict[str, Any]
    size: int = 0
    error: str = ""
    recorded: str = ""


@dataclass(frozen=True, slots=True)
class CallEnd:
    """Ends one call of ``runs``. ``contents`` say what record and log may hold; ``most`` are bytes of answer."""

    runs: Runnable
    contents: RecordContents
    call: Call
    most: int

    def after(self, work: Callable[[], Any]) -> Execution:
        """The end of the call whose result this work returns."""
        try:
            value = work()
            return self._input_required() or self._answered(value)
        except BaseException as error:  # noqa: BLE001  (the boundary: it may raise anything, and nobody outside may see it)
            return self.raised(error)

    def raised(self, error: BaseException) -> Execution:
        """The end of the call that raised this."""
        try:
            return self._input_required() or self._told(error) or self._crashed(error)
        except BaseException as another:  # noqa: BLE001  (the same: what it says of itself is the author's code, too)
            return self._crashed(another)

    def failed(self, outcome: Outcome, text: str, error: str = "", code: int = INTERNAL_ERROR) -> Execution:
        """An end that the caller is told of as an error; with this ``code``, where MCP has no result for that."""
        return self._execution(outcome, self.runs.failure(text, code), error or text)

    def _input_required(self) -> Execution | None:
        """Whatever the function made of it: without the answer to its question it knows nothing."""
        required = self.call.round_trips.required() if self.call.round_trips is not None else None
        return None if required is None else self._execution(Outcome.INPUT_REQUIRED, required)

    def _answered(self, value: Any) -> Execution:
        result = self.runs.answer(value, self.contents.request.uri)
        if isinstance(result, InputRequiredResult):
            logger.error("%s returned an unfinished result, record %s", self.runs.name, self.call.record_id)
            return self.failed(Outcome.CRASHED, self._internal_error)
        is_error = isinstance(result, CallToolResult) and result.is_error
        return self._execution(Outcome.TOOL_ERROR if is_error else Outcome.OK, result)

    def _told(self, error: BaseException) -> Execution | None:
        """The end of a call that failed in a way that its caller should read."""
        match error:
            case ClientFault():
                return self._at_fault(error)
            case UnfitResult():
                log_unfit(logger, error, self.contents, self.call.record_id)
                text = f"{error} Record {self.call.record_id}."
                return self.failed(Outcome.CRASHED, text, unfit_error(error, self.contents))
            case NotFound():
                return self.failed(Outcome.TOOL_ERROR, str(error), code=RESOURCE_NOT_FOUND)
            case ArgumentsRefused():
                return self.failed(Outcome.TOOL_ERROR, str(error), code=INVALID_PARAMS)
            case ToolFailure():
                return self.failed(Outcome.TOOL_ERROR, str(error))
            case MCPError():
                return self.failed(Outcome.TOOL_ERROR, error.error.message, code=error.error.code)
        return None

    def _at_fault(self, fault: ClientFault) -> Execution:
        record = str(self.call.record_id)
        answer = ErrorData(code=fault.code, message=f"{fault} Record {record}.", data={**fault.data, "record": record})
        return self._execution(Outcome.TOOL_ERROR, answer, str(fault))

    def _crashed(self, error: BaseException) -> Execution:
        if not self.call.cancelled:
            log_crash(logger, error, self.contents, self.call.record_id)
        return self.failed(Outcome.CRASHED, self._internal_error, type_name(error))

    @property
    def _internal_error(self) -> str:
        return f"{self.runs.name} failed with an internal error, id {self.call.record_id}."

    def _execution(self, outcome: Outcome, result: Result | ErrorData, error: str = "") -> Execution:
        """The end of the call with this result; a failed one where that is too large, or no JSON (2**64)."""
        try:
            wire = result.model_dump(mode="json", by_alias=True, exclude_none=True)
            size = len(json_text.dumps(wire))
        except (TypeError, ValueError) as reason:
            logger.error("The result of %s cannot be sent, record %s: %s", self.runs.name, self.call.record_id, reason)
            return self.failed(Outcome.CRASHED, self._internal_error, "The result is no JSON.")
        if size > self.most and (size := _said_once(wire)) > self.most:
            limit = f"At most {self.most:,} can be sent: half of MAX_QUEUED_BYTES, up to 8 MB."
            return self.failed(Outcome.TOOL_ERROR, f"The result has {size:,} bytes. {limit}")
        told, recorded = self.contents.error(error, outcome), self.contents.result(wire)
        return Execution(outcome, result, wire, result_size(result), told, recorded)


def _said_once(wire: dict[str, Any]) -> int:
    """The bytes of a result, of which content and structured content say the same."""
    content, structured = (len(json_text.dumps(wire.get(part))) for part in ("content", "structuredContent"))
    return len(json_text.dumps(wire)) - min(content, structured)
