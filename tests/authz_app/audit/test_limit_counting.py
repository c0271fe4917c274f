"""Limits are settled where records commit: exact, whoever counts at the same time, and fail closed."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db import connection

from authz_app.audit import sql
from authz_app.audit.entries import AuditUnavailable, Opening
from authz_app.audit.writer import AuditWriter
from authz_app.models import CallRecord, LimitCount, Rule
from authz_app.policy.limits import Allowance, Spent
from authz_app.policy_store.loading import stored_version
from tests.authz_app.audit.openings import an_opening

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

WAIT = 60.0
Asked = tuple[Opening, tuple[Allowance, ...]]


@contextmanager
def writing(count: int = 1) -> Iterator[list[AuditWriter]]:
    """As many writers as there would be workers, each with its own thread and connection."""
    writers = [AuditWriter(WAIT) for _ in range(count)]
    with ExitStack() as stack:
        for one in writers:
            stack.callback(one.stop, WAIT)
        yield writers


def limit(calls: int, rule_id: int = 7, client_id: int = 1, seconds: int = 3_600) -> Allowance:
    return Allowance(rule_id, client_id, calls, seconds, f"Limit {rule_id}.")


def asking(count: int, *allowances: Allowance, **fields: Any) -> list[Asked]:
    version = stored_version()
    return [(an_opening(version, **fields), allowances) for _ in range(count)]


def opened(writers: list[AuditWriter], asked: list[Asked]) -> list[bool | Spent | BaseException]:
    """Open all at the same time, in turn by each of the writers; the result of each."""

    async def open_all() -> list[bool | Spent | BaseException]:
        async with asyncio.timeout(WAIT):
            calls = (writers[number % len(writers)].open(*one) for number, one in enumerate(asked))
            return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(open_all())


def let_through(results: list[bool | Spent | BaseException]) -> int:
    return sum(one is True for one in results)


def decisions() -> dict[str, int]:
    reasons = list(CallRecord.objects.values_list("reason", flat=True))
    return {reason: reasons.count(reason) for reason in set(reasons)}


@pytest.mark.parametrize("writers", [1, 4])
def test_exactly_as_many_are_let_through_as_the_limit_says(writers: int) -> None:
    with writing(writers) as audit:
        results = opened(audit, asking(150, limit(100)))
    assert let_through(results) == 100
    assert sum(isinstance(one, Spent) for one in results) == 50
    assert decisions() == {"allowed": 100, "limit_reached": 50}


def test_what_is_refused_is_recorded_as_denied_by_the_limit_and_counts_against_nothing() -> None:
    both = [limit(1, rule_id=7), limit(3, rule_id=8)]
    with writing() as audit:
        results = [opened(audit, asking(1, *both))[0] for _ in range(2)]
        assert [opened(audit, asking(1, both[1]))[0] is True for _ in range(3)] == [True, True, False]
    spent = results[1]
    assert isinstance(spent, Spent)
    assert ([one.rule_id for one in spent.allowances], 3_590 < spent.wait <= 3_600) == ([7], True)
    refused = CallRecord.objects.filter(reason="limit_reached").earliest("at")
    assert (refused.decision, refused.deadline, refused.outcome) == ("denied", None, "")
    assert refused.rules == '[{"id":7,"sentence":"Limit 7."}]'


def test_all_limits_hold_and_each_counts_for_itself() -> None:
    mine, others, together = limit(2, client_id=1), limit(2, client_id=2), limit(3, rule_id=8, client_id=0)
    with writing() as audit:
        results = opened(audit, [*asking(3, mine, together), *asking(3, others, together)])
    assert [one is True for one in results] == [True, True, False, True, False, False]


def test_calls_without_a_limit_go_through_beside_those_with_one() -> None:
    with writing(2) as audit:
        results = opened(audit, [*asking(10), *asking(5, limit(1)), *asking(10)])
    assert let_through(results[:10]) == let_through(results[15:]) == 10
    assert let_through(results[10:15]) == 1
    assert list(LimitCount.objects.values_list("rule_id", "client_id")) == [(7, 1)]


def test_a_call_decided_under_an_old_version_is_not_counted() -> None:
    old = asking(5, limit(1))
    Rule.objects.create()
    with writing() as audit:
        assert opened(audit, old) == [False] * 5
        assert let_through(opened(audit, [*old, *asking(2, limit(1))])) == 1
    assert decisions() == {"allowed": 1, "limit_reached": 1}


def test_the_time_of_a_limited_record_is_when_it_was_counted() -> None:
    (mine,) = asking(1, limit(1))
    with writing() as audit:
        opened(audit, [mine])
    assert CallRecord.objects.get().at > mine[0].at


@contextmanager
def refusing_writes(table: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END")
        else:
            cursor.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'disk_full'; END $$"
            )
            cursor.execute(f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()")
        try:
            yield
        finally:
            cursor.execute("DROP TRIGGER refuse" if connection.vendor == "sqlite" else "DROP FUNCTION refuse CASCADE")


@pytest.mark.parametrize("table", [sql.RECORDS, sql.LIMITS])
def test_nothing_is_let_through_and_nothing_counted_while_the_database_refuses_writes(table: str) -> None:
    with writing(2) as audit:
        with refusing_writes(table):
            results = opened(audit, asking(20, limit(5)))
        assert {type(one) for one in results} == {AuditUnavailable}
        assert not CallRecord.objects.exists() and not LimitCount.objects.exists()
        assert let_through(opened(audit, asking(20, limit(5)))) == 5


def test_a_count_that_cannot_be_read_lets_nothing_through_and_holds_up_nobody_else() -> None:
    LimitCount.objects.create(rule_id=7, client_id=1, calls="nonsense", until=2.0**40)
    with writing() as audit:
        results = opened(audit, [*asking(2, limit(5)), *asking(2), *asking(2, limit(5, rule_id=8))])
    assert [one is True for one in results] == [False, False, True, True, True, True]


def test_counts_that_do_not_matter_any_more_are_deleted() -> None:
    clock = [0.0]
    audit = AuditWriter(WAIT, lambda: clock[0])
    try:
        opened([audit], [*asking(1, limit(5, rule_id=8)), *asking(1, limit(5, rule_id=9))])
        LimitCount.objects.filter(rule_id=8).update(until=1.0)
        clock[0] += 60
        assert audit.flush(WAIT)
    finally:
        audit.stop(WAIT)
    assert list(LimitCount.objects.values_list("rule_id", flat=True)) == [9]


def test_counting_for_many_clients_at_once_locks_in_one_order() -> None:
    with writing(4) as audit:
        for _ in range(5):
            asked = [one for client in range(1, 21) for one in asking(1, limit(9, client_id=client), limit(9, 8, 0))]
            results = opened(audit, [*asked, *reversed(asking(20, limit(9, 8, 0), limit(9, client_id=3)))])
            assert not [one for one in results if isinstance(one, BaseException)]
    assert CallRecord.objects.filter(decision="allowed").count() == 9
