"""The policy in a worker's memory: how it is kept current, and who is registered at first sight."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest
from django.db import connection

from authz_app.issuers import TrustedIssuer
from authz_app.models import Client, Rule
from authz_app.policy.principal import Principal
from authz_app.policy_store import loading
from authz_app.policy_store.store import PolicyStore, PolicyUnavailable
from tests.eventually import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

ACTIVE = TrustedIssuer("https://active.example/", ("a",))
PENDING = TrustedIssuer("https://pending.example/", ("a",), new_clients="pending")


@contextmanager
def storing(clock: Callable[[], float] = lambda: 0.0) -> Iterator[PolicyStore]:
    store = PolicyStore((ACTIVE, PENDING), clock)
    try:
        yield store
    finally:
        store.stop()


Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run coroutines one after the other on one event loop, as a worker has it."""
    with asyncio.Runner() as runner:
        yield lambda work: runner.run(asyncio.wait_for(work, 20))


def principal(issuer: str = ACTIVE.issuer, subject: str = "alice", **claims: Any) -> Principal:
    return Principal(issuer, subject, "app", frozenset(), 2**40, claims)


def test_the_policy_in_memory_is_read_once_and_refreshed_when_asked(run: Run) -> None:
    with storing() as store:
        first = run(store.policy())
        Rule.objects.create(tools="time")
        assert run(store.policy()) is first
        assert len(run(store.refreshed()).rules) == 1
        assert len(run(store.policy()).rules) == 1


def test_calls_that_wait_at_the_same_time_share_one_reading(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    read = loading.load
    readings = []
    monkeypatch.setattr(loading, "load", lambda previous: readings.append(1) or read(previous))

    async def many(store: PolicyStore) -> None:
        await asyncio.gather(*(store.refreshed() for _ in range(50)))

    with storing() as store:
        run(many(store))
    assert 1 <= len(readings) <= 2


def test_a_caller_who_comes_during_a_reading_gets_what_had_committed_before_it_came(
    monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    read = loading.load
    late = []

    def changed_after_reading(previous: Any) -> Any:
        policy = read(previous)
        if not late:
            late.append(Rule.objects.create(tools="late"))
        return policy

    async def two(store: PolicyStore) -> Any:
        first = asyncio.ensure_future(store.refreshed())
        await eventually(lambda: late)
        second = await store.refreshed()
        await first
        return second

    monkeypatch.setattr(loading, "load", changed_after_reading)
    with storing() as store:
        assert len(run(two(store)).rules) == 1


@pytest.mark.parametrize(
    ("issuer", "status"), [(ACTIVE.issuer, "active"), (PENDING.issuer, "pending"), ("https://unknown/", "pending")]
)
def test_a_client_is_registered_at_first_sight_as_its_issuer_says(issuer: str, status: str, run: Run) -> None:
    with storing() as store:
        client = run(store.client_of(principal(issuer, name="Alice\u00a0A.")))
        again = run(store.client_of(principal(issuer)))
    row = Client.objects.get()
    assert again == client
    assert (client.id, client.status, row.status, row.kind) == (row.pk, status, status, "person")
    assert row.first_seen is not None


def test_a_service_is_registered_as_one(run: Run) -> None:
    with storing() as store:
        run(store.client_of(principal(subject="app@clients", gty="client-credentials")))
    assert Client.objects.get().kind == "service"


def test_the_same_subject_of_another_issuer_is_another_client(run: Run) -> None:
    with storing() as store:
        ids = {run(store.client_of(principal(issuer))).id for issuer in (ACTIVE.issuer, PENDING.issuer)}
    assert len(ids) == 2


def test_a_client_that_another_worker_registered_and_an_administrator_blocked_is_blocked(run: Run) -> None:
    with storing() as store:
        run(store.policy())
        Client.objects.create(issuer=ACTIVE.issuer, subject="alice", status="blocked")
        assert run(store.client_of(principal())).status == "blocked"


def test_many_at_once_register_one_row(run: Run) -> None:
    async def many(store: PolicyStore) -> None:
        await asyncio.gather(*(store.client_of(principal()) for _ in range(20)))

    with storing() as store:
        run(many(store))
    assert Client.objects.count() == 1


def test_last_seen_is_written_once_a_minute(run: Run) -> None:
    now = [0.0]
    written = []
    with storing(lambda: now[0]) as store:
        client = run(store.client_of(principal()))
        run(store.refreshed())  # in the same thread: what was to be written has been
        for at in (1.0, 59.0, 61.0):
            Client.objects.update(last_seen=None)
            now[0] = at
            run(store.client_of(principal()))
            run(store.refreshed())
            written.append(Client.objects.get(pk=client.id).last_seen is not None)
    assert written == [False, False, True]


def test_a_policy_that_cannot_be_read_is_an_error_and_is_read_again_later(run: Run) -> None:
    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    with storing() as store:
        rename("authz_app_policystate", "away")
        try:
            with pytest.raises(PolicyUnavailable):
                run(store.policy())
        finally:
            rename("away", "authz_app_policystate")
        assert run(store.policy()).version == loading.stored_version()


@contextmanager
def clients_locked() -> Iterator[None]:
    """Nobody can register a client within the block."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE" if other.vendor == "sqlite" else "BEGIN")
        if other.vendor == "postgresql":
            cursor.execute("LOCK TABLE authz_app_client IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
            other.close()


def test_nobody_waits_for_a_database_that_lets_it_wait_and_the_log_says_so_once(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    store = PolicyStore((ACTIVE, PENDING), timeout=0.2)
    try:
        run(_patiently(store.policy))
        with clients_locked():
            for number in range(5):
                with pytest.raises(PolicyUnavailable):
                    run(store.client_of(principal(subject=f"new-{number}")))
        later = partial(store.client_of, principal(subject="later"))
        assert run(_patiently(later)).status == "active"
    finally:
        store.stop()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "The policy cannot be read: no answer within 0.2 seconds."
    ]


async def _patiently(asked: Callable[[], Awaitable[Any]]) -> Any:
    while True:
        with suppress(PolicyUnavailable):
            return await asked()
