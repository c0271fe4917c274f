"""Reads and writes JSON-RPC 2.0 messages: one parsed value in, one narrow type out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RequestId = str | int

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_BUSY = -32000
# MCP of the handshake era; 2026-07-28 says INVALID_PARAMS in its place.
RESOURCE_NOT_FOUND = -32002

DUPLICATE_ID = "A request with this id is being answered already."

_MAX_ID = 256
_MAX_METHOD = 256


class NotAMessage(ValueError):
    """The ``value`` is JSON but not one JSON-RPC 2.0 message; ``str()`` says why."""

    def __init__(self, why: str, value: Any = None) -> None:
        super().__init__(why)
        self.value = value


@dataclass(frozen=True, slots=True)
class Request:
    """A request, which is answered under its id."""

    id: RequestId
    method: str
    params: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification, which is not answered."""

    method: str
    params: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Response:
    """The client's answer to a request of the server. Exactly one of ``result`` and ``error`` is set."""

    id: RequestId
    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None


Message = Request | Notification | Response


def _id(value: Any) -> RequestId:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise NotAMessage('"id" must be a string or an integer')
    if isinstance(value, str) and len(value) > _MAX_ID:
        raise NotAMessage(f'"id" is longer than {_MAX_ID} characters')
    return value


def _params(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    params = value.get("params")
    if params is not None and not isinstance(params, dict):
        raise NotAMessage('"params" must be an object')
    return params


def _response(value: Mapping[str, Any]) -> Response:
    result, error = value.get("result"), value.get("error")
    if isinstance(result, dict) and error is None:
        return Response(_id(value.get("id")), result, None)
    if isinstance(error, dict) and result is None:
        return Response(_id(value.get("id")), None, error)
    raise NotAMessage('a message needs a "method", or a "result" or "error" object')


def read(value: Any) -> Message:
    """Read one message.

    Raises:
        NotAMessage: it is a batch (removed from MCP in 2025-06-18), or not a JSON-RPC 2.0 message.
    """
    try:
        return _read(value)
    except NotAMessage as error:
        error.value = value
        raise


def refused_request(value: Any) -> Request | None:
    """The request that a value would have been, were it one, as far as it can be read: a call is recorded so."""
    if not isinstance(value, dict) or "id" not in value or not isinstance(method := value.get("method"), str):
        return None
    params = value.get("params")
    return Request("", method, params if isinstance(params, dict) else None)


def refused_id(value: Any) -> str | float | None:
    """The id under which a value that is no message is answered: any that can be read (JSON-RPC 2.0 section 5)."""
    if not isinstance(value, dict) or ("method" not in value and ("result" in value or "error" in value)):
        return None
    found = value.get("id")
    return found if type(found) in (str, int, float) else None


def _read(value: Any) -> Message:
    if isinstance(value, list):
        raise NotAMessage(
            "batches are not accepted: MCP has had none since 2025-06-18, and each call here has its own answer and its"
            " own record. Send one message in each request"
        )
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise NotAMessage('the body must be an object with "jsonrpc": "2.0"')
    if "method" not in value:
        return _response(value)
    method = value["method"]
    if not isinstance(method, str) or not method or len(method) > _MAX_METHOD:
        raise NotAMessage(f'"method" must be a string of 1 to {_MAX_METHOD} characters')
    if "id" not in value:
        return Notification(method, _params(value))
    return Request(_id(value["id"]), method, _params(value))


def result_of(request_id: RequestId, result: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request that succeeded."""
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def error_of(request_id: RequestId | float | None, code: int, message: str, data: Any = None) -> dict[str, Any]:
    """The answer to a request that failed; ``request_id`` is None where it could not be read."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def notification_of(method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message["params"] = dict(params)
    return message


def request_of(request_id: RequestId, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
    """A request of the server to the client."""
    return {**notification_of(method, params), "id": request_id}


def too_many_in_flight(limit: int) -> str:
    """The error message for a session with more than ``limit`` requests in flight."""
    return f"This MCP session has {limit} requests in flight; wait for an answer first."
