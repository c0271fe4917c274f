"""Words the errors of the MCP SDK: what happened, and what to do next (mcp 2.3)."""

import logging
from collections.abc import Iterator, Sequence

from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError
from mcp_types import HEADER_MISMATCH, UNSUPPORTED_PROTOCOL_VERSION, ErrorData
from mcp_types.methods import CLIENT_REQUESTS
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from authz_app.conf import conf
from authz_app.core.ids import uuid7
from tools_app.protocol.exchange import Context
from tools_app.protocol.versions import unsupported_version
from tools_app.wire.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND
from tools_app.wire.meta import reported

logger = logging.getLogger(__name__)
_MOST = 3
_NOT_INITIALIZED = (
    "This MCP session was never initialized: send initialize first. A stream that was opened again, as EventSource does"
    " by itself, is a new session."
)
_NO_RESPONSES = "The body is no request and no notification. Send one of them; nothing was asked of you."


async def worded(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Word what goes wrong while the SDK serves a request: the SDK's own words name no reason."""
    try:
        return await call_next(ctx)
    except Exception as error:  # noqa: BLE001  (the boundary to the SDK: what is internal stays in the log)
        data = error_data(error, ctx.method, ctx.protocol_version)
        if isinstance(error, MCPError) and data is error.error:
            raise
        raise MCPError.from_error_data(data) from error


def error_data(error: Exception, method: str, version: str = "") -> ErrorData:
    """The error that a request of this method is answered with. What nobody foresaw is logged."""
    if isinstance(error, MCPError):
        return reworded(error.error, method, version)
    if isinstance(error, ValidationError):
        # A value may be a secret: it is not repeated.
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        return ErrorData(code=INVALID_PARAMS, message=_invalid(method, problems), data={"params": [*_paths(problems)]})
    reference = uuid7()
    logger.error("Answering %s failed, reference %s", reported(method), reference, exc_info=error)
    text = f"This site failed to answer {reported(method)}. Ask {conf().contact}; its log has the reason, {reference}."
    return ErrorData(code=INTERNAL_ERROR, message=text, data={"reference": str(reference)})


def reworded(error: ErrorData, method: str, version: str = "") -> ErrorData:
    """The error in a sentence, where the SDK worded it."""
    text, code = error.message, error.code
    if code == METHOD_NOT_FOUND and text == "Method not found":
        return error.model_copy(update={"message": _not_found(method, version), "data": reported(method)})
    if code == UNSUPPORTED_PROTOCOL_VERSION:
        return error.model_copy(update={"message": unsupported_version()})
    if text == "Invalid request parameters":
        return ErrorData(code=code, message=_NOT_INITIALIZED)
    if text.startswith("Body must be a single"):
        return ErrorData(code=code, message=_NO_RESPONSES)
    if text in ("Internal server error", "Handler returned an invalid result"):
        text = f"This site failed to answer {reported(method)}; its log has the reason. Ask {conf().contact}."
        return error.model_copy(update={"message": text})
    if code == HEADER_MISMATCH and not text.endswith("."):
        return error.model_copy(update={"message": f"{text}. Send the same in both, and once."})
    if text.startswith(("params._meta ", "the protocol-version envelope")):
        return error.model_copy(update={"message": f"{text}. Each request of this protocol version carries them."})
    return error


def _not_found(method: str, version: str) -> str:
    served = sorted(one for one, of in CLIENT_REQUESTS if of == version)
    those = f" in protocol version {version}: those are {', '.join(served)}" if served else ""
    return f"{reported(method)!r} is no method that is served here{those}."


def _invalid(method: str, problems: Sequence[ErrorDetails]) -> str:
    sentences = [f"{path} {_problem(one)}" for path, one in zip(_paths(problems), problems, strict=False)]
    more = f"; and {len(problems) - _MOST} more" if len(problems) > _MOST else ""
    return f"What was sent is no {reported(method)} as MCP has it: {'; '.join(sentences)}{more}. Send it again so."


def _paths(problems: Sequence[ErrorDetails]) -> Iterator[str]:
    for one in problems[:_MOST]:
        yield reported(".".join(str(part) for part in one["loc"]))


def _problem(one: ErrorDetails) -> str:
    if one["type"] == "missing":
        return "is missing"
    if one["type"] in ("value_error", "assertion_error"):
        return "is not valid"
    return one["msg"].replace("Input should be", "must be").replace("dictionary", "object")
