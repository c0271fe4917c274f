"""Keeps a call's questions and answers over all its requests (MCP 2026-07-28, Multi Round-Trip Requests).

A question that has no answer yet ends the run, and goes to the client in place of a result. The client sends the
request again, with answers and with what this site had noted; the function runs again, and is given the answers that it
had before in the order of its questions. The note is sealed: no client can read it, alter it, or use it for another
request or as somebody else.
"""

import time
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any

import orjson
from django.conf import settings
from django.core.signals import setting_changed
from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState
from mcp_types import MISSING_REQUIRED_CLIENT_CAPABILITY, InputRequest, InputRequiredResult
from mcp_types.methods import INPUT_REQUIRED_METHODS
from pydantic import TypeAdapter

from authz_app import json_text
from authz_app.policy.principal import Principal
from tools_app.client_requests.questions import Question, can_answer, cannot_be_asked
from tools_app.errors import ClientFault, ToolFailure
from tools_app.wire.jsonrpc import INVALID_PARAMS
from tools_app.wire.meta import capabilities_in

# As long as a question to a client of the handshake era waits for its answer.
_SECONDS = 600.0
_NOT_OURS = (
    "The requestState is not what this site gave to you for this request, or it is too old. Send the request again"
    " without it."
)
_OTHER_QUESTION = "This tool asks something else than it did before. Call it again."


class InputRequired(BaseException):
    """Ends a run: a question has to be answered first. Not an Exception, or tools would catch it."""


# A question, by its digest, and the client's result for it.
_Answered = tuple[str, Mapping[str, Any]]


class MultiRoundTrip:
    """Holds the questions and answers of one request of ``principal``. Questions are asked on the event loop alone."""

    def __init__(
        self, method: str, params: Mapping[str, Any], principal: Principal, clock: Callable[[], float] = time.time
    ) -> None:
        self._can_ask = method in INPUT_REQUIRED_METHODS
        self._params = params
        self._capabilities = capabilities_in(params)
        self._for = _digest([method, principal.owner, {key: params[key] for key in params.keys() - _CARRIED}])
        self._clock = clock
        self._answered: dict[str, _Answered] = {}
        self._asked: dict[str, tuple[str, InputRequest]] = {}
        self._keys: list[str] = []

    def resume(self) -> None:
        """Take over what was answered before.

        Raises:
            ClientFault: the note that came with the request is not this site's, for this request and this principal.
        """
        state = self._params.get("requestState")
        if state is None:
            return
        note = _unsealed(state)
        if note.get("for") != self._for or note.get("until", 0.0) <= self._clock():
            raise ClientFault(INVALID_PARAMS, _NOT_OURS, {"reason": "invalid_request_state"})
        self._answered = dict(note["answered"])
        replies = self._params.get("inputResponses") or {}
        for key, question in note["asked"].items():
            if isinstance(reply := replies.get(key), Mapping):
                self._answered[key] = (question, reply)

    def ask(self, question: Question) -> Mapping[str, Any]:
        """The client's answer, if it has given one.

        Raises:
            InputRequired: it has not; the question is noted.
            ValidationError: no client could answer the question.
            ToolFailure: the client cannot be asked, or was asked something else in this place.
        """
        key = self._key_of(question)
        answered = self._answered.get(key)
        if answered is not None:
            if answered[0] != _digest(question):
                raise ToolFailure(_OTHER_QUESTION)
            return answered[1]
        if not self._can_ask:
            raise ToolFailure("Nothing can be asked while this is answered.")
        self._check_capability(question)
        request = _REQUESTS.validate_python({"method": question.method, "params": question.params})
        self._asked[key] = (_digest(question), request)
        raise InputRequired

    def _key_of(self, question: Question) -> str:
        """What the client knows the question by: its name, or its number where it has no name or shares it."""
        numbered = f"question-{len(self._keys) + 1}"
        key = numbered if question.name in ("", *self._keys) else question.name
        self._keys.append(key)
        return key

    def required(self) -> InputRequiredResult | None:
        """The result that asks the client, if a question is open."""
        if not self._asked:
            return None
        note = {
            "for": self._for,
            "until": self._clock() + _SECONDS,
            "answered": self._answered,
            "asked": {key: question for key, (question, _) in self._asked.items()},
        }
        requests = {key: request for key, (_, request) in self._asked.items()}
        return InputRequiredResult(input_requests=requests, request_state=_codec().seal(json_text.dumps(note)))

    def _check_capability(self, question: Question) -> None:
        if not can_answer(self._capabilities, question):
            data: dict[str, Any] = {"requiredCapabilities": {question.capability: {}}}
            raise ClientFault(MISSING_REQUIRED_CLIENT_CAPABILITY, cannot_be_asked(question), data)


_REQUESTS: TypeAdapter[InputRequest] = TypeAdapter(InputRequest)
_CARRIED = frozenset({"_meta", "requestState", "inputResponses"})


def _digest(value: Any) -> str:
    return sha256(json_text.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _unsealed(state: Any) -> Mapping[str, Any]:
    try:
        note: Mapping[str, Any] = json_text.loads(_codec().unseal(state if isinstance(state, str) else ""))
    except InvalidRequestState:
        raise ClientFault(INVALID_PARAMS, _NOT_OURS, {"reason": "invalid_request_state"}) from None
    return note


@cache
def _codec() -> AESGCMRequestStateCodec:
    """Seals with a key of its own, the same on every worker."""
    # Under another name it would refuse what clients hold by now.
    return AESGCMRequestStateCodec([sha256(b"tools_app.interview:" + settings.SECRET_KEY.encode()).hexdigest()])


def _forget(**_: Any) -> None:
    _codec.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tools_app.client_requests.multi_round_trip")
