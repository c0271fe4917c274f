"""Lets calls wait for their records: each learns whether its own was written, and gives up after a time.

A record that commits after its call has given up is closed as cancelled: nothing was run for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakKeyDictionary

from authz_app.audit.entries import AuditUnavailable, Closing, LimitedOpening, given_up
from authz_app.audit.outage import OutageWatch
from authz_app.policy.limits import Spent

UNAVAILABLE = "The call could not be recorded, so it was not run. Try again in a moment."
# True: the record is committed, and its call may run. False: the policy has moved since the decision.
OpeningResult = bool | Spent | AuditUnavailable


@dataclass(slots=True, eq=False)
class PendingOpening:
    """An opening, and the call that waits for it, ``until`` a time on its loop's clock.

    ``refused``: an outage was noted for it already.
    """

    limited: LimitedOpening
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[bool | Spent]"
    until: float
    abandoned: bool = False
    refused: bool = False


Results = Sequence[tuple[PendingOpening, OpeningResult]]


class WaitingCalls:
    """Holds the calls of all event loops that wait for the writer. ``close`` takes the outcome of a late record.

    ``add`` and ``abandon`` belong to the call's event loop, and the other methods to the writer's thread. ``timeout``
    is in seconds.
    """

    def __init__(self, timeout: float, outage: OutageWatch, close: Callable[[Closing], object]) -> None:
        self._timeout = timeout
        self._outage = outage
        self._close = close
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, deque[PendingOpening]] = WeakKeyDictionary()

    def add(self, limited: LimitedOpening) -> PendingOpening:
        """Begin to wait. One timer for all calls of a loop: they give up in the order in which they came."""
        loop = asyncio.get_running_loop()
        pending = PendingOpening(limited, loop, loop.create_future(), loop.time() + self._timeout)
        waiting = self._by_loop.get(loop)
        if waiting is None:
            waiting = self._by_loop[loop] = deque()
            loop.call_at(pending.until, self._give_up_late, loop)
        while waiting and waiting[0].future.done():
            waiting.popleft()
        waiting.append(pending)
        return pending

    def _give_up_late(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting = self._by_loop[loop]
        while waiting and (waiting[0].future.done() or waiting[0].until <= loop.time()):
            self._give_up(waiting.popleft())
        if waiting:
            loop.call_at(waiting[0].until, self._give_up_late, loop)
        else:
            del self._by_loop[loop]

    def _give_up(self, pending: PendingOpening) -> None:
        if not pending.future.done():
            pending.abandoned = True
            if not pending.refused:
                self._outage.late(self._timeout)
            pending.future.set_exception(AuditUnavailable(UNAVAILABLE))

    def abandon(self, pending: PendingOpening) -> None:
        """The call was cancelled while it waited."""
        pending.abandoned = True
        answered = pending.future.done() and not pending.future.cancelled()
        if answered and pending.future.exception() is None and pending.future.result() is True:
            self._close_abandoned(pending)

    def _close_abandoned(self, pending: PendingOpening) -> None:
        if pending.limited.opening.deadline is not None:
            self._close(given_up(pending.limited.opening.id))

    def committed(self, openings: Sequence[PendingOpening], inserted: Mapping[UUID, Spent | None]) -> None:
        """Let each call know whether its record is among those inserted, and which limits were spent for it."""
        for loop in {pending.loop for pending in openings}:
            results: Results = [
                (pending, pending.limited.opening.id in inserted and (inserted[pending.limited.opening.id] or True))
                for pending in openings
                if pending.loop is loop
            ]
            self._hand_over(loop, results)

    def failed(self, openings: Sequence[PendingOpening]) -> None:
        """Let each call know that its record is not written."""
        for pending in openings:
            self._hand_over(pending.loop, [(pending, AuditUnavailable(UNAVAILABLE))])

    def _hand_over(self, loop: asyncio.AbstractEventLoop, results: Results) -> None:
        try:
            loop.call_soon_threadsafe(self._resolve, results)
        except RuntimeError:
            # The loop has closed: nobody waits any more, and nothing was run.
            for pending, result in results:
                if result is True:
                    self._close_abandoned(pending)

    def _resolve(self, results: Results) -> None:
        for pending, result in results:
            if pending.future.done():
                if result is True:
                    self._close_abandoned(pending)
            elif isinstance(result, AuditUnavailable):
                pending.future.set_exception(result)
            else:
                pending.future.set_result(result)
