"""Brings messages to the clients of MCP sessions, whichever worker holds their streams."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from authz_app import json_text
from authz_app.audit.entries import Undelivered
from authz_app.audit.writer import AuditWriter
from tools_app.client_requests.replies import Replies
from tools_app.cluster.outbox import Delivery
from tools_app.cluster.workers import WorkerMessage, Workers
from tools_app.sessions.session import McpSessionState
from tools_app.streams.event_stream import message_event
from tools_app.streams.open_streams import OpenStreams
from tools_app.wire.jsonrpc import RequestId, Response


class MessageDelivery:
    """Sends to streams of any worker, and takes what other workers send to the streams of this one.

    ``forget`` ends a session, by its key, whose client has missed something; it is told why.
    """

    def __init__(
        self,
        workers: Workers,
        streams: OpenStreams,
        replies: Replies,
        audit: AuditWriter,
        forget: Callable[[str, str], object],
    ) -> None:
        self._workers = workers
        self._streams = streams
        self._replies = replies
        self._audit = audit
        self._forget = forget
        # The number of the last delivery, by the worker that sent it.
        self._last_numbers: dict[str, int] = {}

    def send(
        self,
        session: McpSessionState,
        message: Mapping[str, Any],
        *,
        answers: RequestId | None = None,
        record_id: UUID | None = None,
        learnt: bool = False,
    ) -> None:
        """Send a message to a session's client.

        ``answers`` is the id of the request that this answers, ``record_id`` the record of the call whose result it
        is, and ``learnt`` says that the session's state is new.
        """
        delivery = Delivery(session.key, message_event(message), record_id=record_id)
        opened = self._streams.get(session.key)
        if opened is None:
            state = session.stored() if learnt else b""
            self._workers.post(session, replace(delivery, answers=request_as_json(answers), state=state))
        elif not opened.stream.queue(delivery.chunk):
            self._undelivered(delivery)

    def give_up(self, session: McpSessionState, request_id: RequestId) -> None:
        """Note that a request will not be answered: it was cancelled."""
        if self._streams.get(session.key) is None:
            self._workers.post(session, Delivery(session.key, answers=request_as_json(request_id)))

    async def reply(self, session: McpSessionState, response: Response) -> None:
        """Hand a client's reply to whichever worker asked.

        Raises:
            SessionsUnavailable: that worker cannot be reached.
        """
        address = Replies.address_of(response)
        if address == self._workers.channel:
            self._replies.deliver(session.key, response)
        else:
            fields = {"id": response.id, "result": response.result, "error": response.error}
            message = {"type": "reply", "session": session.key, "response": json.dumps(fields)}
            await self._workers.tell(address, message)

    def take(self, message: WorkerMessage) -> None:
        """Take a batch of deliveries that another worker sent."""
        last = self._last_numbers.get(message["from"], 0)
        for number, key, chunk, answers, state in message["items"]:
            opened = self._streams.get(key)
            if opened is None:
                continue
            opened.received += 1
            if number <= last or answers in opened.given_up:
                continue  # Sent again because Redis did not answer; or answered for it, since it was taken for dead.
            if state:
                self._workers.learn(McpSessionState.read(key, state))
            if chunk:
                opened.stream.queue(chunk)
        self._last_numbers[message["from"]] = max(last, *(item[0] for item in message["items"]), 0)

    def lost(self, delivery: Delivery) -> None:
        """Note that a delivery did not arrive: its record says so, and the session ends, whose client misses it."""
        self._undelivered(delivery)
        if delivery.travels:
            self._forget(delivery.session_key, "messages to its client were lost")

    def _undelivered(self, delivery: Delivery) -> None:
        if delivery.record_id is not None:
            self._audit.close(Undelivered(delivery.record_id))


def request_as_json(request_id: RequestId | None) -> bytes:
    """The id of a request as workers tell it to each other; empty where there is none."""
    return b"" if request_id is None else json_text.dumps(request_id)
