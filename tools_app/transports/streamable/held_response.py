"""Holds a response back until it is known whether its call was denied: then the HTTP status says so, too."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from authz_app import json_text
from authz_app.core.asgi import Message, Send, send_json
from authz_app.tokens.middleware import scope_challenge
from tools_app.invocation.denials import CallDenied
from tools_app.protocol.exchange import Exchange
from tools_app.streams.event_stream import message_event
from tools_app.wire import jsonrpc


@dataclass(frozen=True, slots=True)
class ForbiddenResponse:
    """The body and the headers of a 403 for a call that was denied."""

    body: dict[str, Any]
    headers: list[tuple[bytes, bytes]]


def forbidden_response(denied: CallDenied | None, request_id: jsonrpc.RequestId | None) -> ForbiddenResponse | None:
    """The 403 for a call that was denied for lack of token scopes, or because its client is blocked; else None."""
    if denied is None or not (denied.blocked or denied.token_scopes is not None):
        return None
    error = denied.error
    headers = []
    if denied.token_scopes is not None:
        metadata = error.data["resource_metadata"]
        headers = [(b"www-authenticate", scope_challenge(denied.token_scopes, error.message, metadata))]
    return ForbiddenResponse(jsonrpc.error_of(request_id, error.code, error.message, error.data), headers)


class HeldResponse:
    """Sends the answer to a request that may be denied.

    Holds its start until its first bytes. If the call was denied by then for lack of token scopes, or because the
    client is blocked, the answer is a 403 with the refusal in its body, in place of all that would have been sent.
    The error of any other refusal goes through ``refused`` before it is sent. Not for a stream that stays open before
    anything is said: its headers would not arrive.
    """

    def __init__(
        self,
        send: Send,
        exchange: Exchange,
        request_id: jsonrpc.RequestId | None,
        refused: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
    ) -> None:
        self._send = send
        self._exchange = exchange
        self._request_id = request_id
        self._refused = refused
        self._held: Message | None = None
        self._replaced = False
        self.started = False
        self.complete = False

    async def __call__(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            self._held = message
            return
        if not self.started:
            await self._start(message.get("body", b""))
        if not self._replaced:
            await self._send(message)
            self.complete = not message.get("more_body", False)

    async def end_with(self, message: dict[str, Any], status: int) -> None:
        """End the response with a JSON-RPC message: as the whole of it, or as the last event of its stream."""
        if self.complete:
            return
        if self.started:
            await self._send({"type": "http.response.body", "body": message_event(message), "more_body": False})
        else:
            await send_json(self._send, status, message)
        self.started = self.complete = self._replaced = True

    async def _start(self, body: bytes) -> None:
        """Begin the response, of which ``body`` is the first part: all of it, where it is a refusal."""
        self.started = True
        refusal = forbidden_response(self._exchange.denied, self._request_id)
        if refusal is not None:
            self._replaced = True
            await send_json(self._send, 403, refusal.body, refusal.headers)
            self.complete = True
        elif self._held is not None and self._held["status"] >= 400 and body:
            self._replaced = True
            await send_json(self._send, self._held["status"], await self._refused(json_text.loads(body)))
            self.complete = True
        elif self._held is not None:
            await self._send(_kept_nowhere(self._held))


def _kept_nowhere(start: Message) -> Message:
    """Let no cache keep an answer: what it says is for one caller."""
    headers = [*start.get("headers", ())]
    if any(name == b"cache-control" for name, _ in headers):
        return start
    return {**start, "headers": [*headers, (b"cache-control", b"no-store")]}
