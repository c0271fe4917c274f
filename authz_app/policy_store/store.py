"""Keeps the policy in this worker's memory current with the database, and registers clients at first sight.

Everything here that reads or writes the database does so in one thread of its own. A decision made under an old
version does no harm: its record does not commit (``authz_app.audit``), and the call is decided again.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from authz_app import models
from authz_app.core.failure_log import FailureLog
from authz_app.issuers import TrustedIssuer
from authz_app.policy.decision import Client
from authz_app.policy.policy import Policy
from authz_app.policy.principal import Principal
from authz_app.policy_store import loading

logger = logging.getLogger(__name__)
T = TypeVar("T")
_SEEN_EVERY = 60.0
_TIMEOUT = 5.0
_UNREADABLE = "The permissions cannot be read right now. Try again in a moment."


class PolicyUnavailable(Exception):
    """The policy cannot be read from the database, so nothing can be decided."""


class PolicyStore:
    """Holds the latest policy that this worker has read.

    ``issuers`` say whether a client seen for the first time is active or pending; ``timeout`` is for how long, in
    seconds, anybody waits for the database.
    """

    def __init__(
        self,
        issuers: tuple[TrustedIssuer, ...],
        clock: Callable[[], float] = time.monotonic,
        timeout: float = _TIMEOUT,
    ) -> None:
        self._new_clients = {issuer.issuer: issuer.new_clients for issuer in issuers}
        self._clock = clock
        self._timeout = timeout
        self._failure_log = FailureLog(logger, "The policy can be read again.", clock)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="policy")
        self._policy: Policy | None = None
        self._loading: asyncio.Task[Policy] | None = None
        self._seen: dict[int, float] = {}
        self._seen_again_at = clock()

    @property
    def in_memory(self) -> Policy | None:
        """The policy that this worker has read last, if it has read one."""
        return self._policy

    async def policy(self) -> Policy:
        """The policy in memory; read from the database only the first time.

        Raises:
            PolicyUnavailable: it has never been read, and cannot be now.
        """
        return self._policy if self._policy is not None else await self.refreshed()

    async def refreshed(self) -> Policy:
        """The policy as it is committed now. Calls that wait at the same time share one reading.

        Raises:
            PolicyUnavailable: the database cannot be read.
        """
        running = self._loading
        if running is not None:
            # It may have read the version before the change that this caller knows of.
            await asyncio.wait([running])
        if self._loading is None or self._loading is running:
            self._loading = asyncio.ensure_future(self._in_thread(self._read))
        return await asyncio.shield(self._loading)

    async def client_of(self, principal: Principal) -> Client:
        """The client's row, registered now if this is its first sight.

        Raises:
            PolicyUnavailable: the row is not in memory, and the database cannot be read or written.
        """
        policy = await self.policy()
        client = policy.clients.get((principal.issuer, principal.subject))
        if client is None:
            client = await self._in_thread(lambda: self._registered(principal))
        self._note_seen(client.id)
        return client

    def _read(self) -> Policy:
        policy = self._policy = loading.load(self._policy)
        return policy

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do this work in the thread. Work that nobody waits for any more is not begun."""
        working = asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)
        try:
            done, _ = await asyncio.wait([working], timeout=self._timeout)
        finally:
            working.cancel()
        if not done:
            self._failure_log.failed("The policy cannot be read: no answer within %g seconds.", self._timeout)
            raise PolicyUnavailable(_UNREADABLE)
        return working.result()

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            result = work()
        except (DatabaseError, InterfaceError, LookupError) as error:
            connection.close()
            self._failure_log.failed("The policy cannot be read: %s", error)
            raise PolicyUnavailable(_UNREADABLE) from error
        self._failure_log.worked()
        return result

    def _registered(self, principal: Principal) -> Client:
        """The committed row, inserted if there is none. An insert alters no decision: none was made without the row."""
        client = loading.client_row(principal.issuer, principal.subject)
        if client is None:
            now = timezone.now()
            row = models.Client(
                issuer=principal.issuer,
                subject=principal.subject,
                kind=models.Client.Kind.SERVICE if principal.is_service else models.Client.Kind.PERSON,
                status=self._new_clients.get(principal.issuer, "pending"),
                name=principal.display_name,
                first_seen=now,
                last_seen=now,
            )
            models.Client.objects.bulk_create([row], ignore_conflicts=True)
            client = loading.client_row(principal.issuer, principal.subject)
        if client is None:
            raise LookupError("The client's row disappeared while it was being registered.")
        # Only this thread reads or writes the dictionary as a whole; a later change of the row replaces the entry.
        if self._policy is not None:
            self._policy.clients[principal.issuer, principal.subject] = client
        return client

    def _note_seen(self, client_id: int) -> None:
        """Write when the client was last seen, at most once a minute. Not worth failing a call for."""
        now = self._clock()
        if now - self._seen.get(client_id, -_SEEN_EVERY) < _SEEN_EVERY:
            return
        if len(self._seen) > 10_000:
            self._seen.clear()
        self._seen[client_id] = now
        self._thread.submit(self._write_seen, client_id)

    def _write_seen(self, client_id: int) -> None:
        if self._clock() < self._seen_again_at:
            return
        now = timezone.now()
        try:
            models.Client.objects.filter(pk=client_id, first_seen=None).update(first_seen=now)
            models.Client.objects.filter(pk=client_id).update(last_seen=now)
        except (DatabaseError, InterfaceError):
            connection.close()
            # Each try may take seconds, for which decisions would wait.
            self._seen_again_at = self._clock() + _SEEN_EVERY

    def stop(self) -> None:
        """End the thread, and close its database connection."""
        self._thread.submit(lambda: connection.close())  # this thread's connection, not the caller's
        self._thread.shutdown(wait=True)
