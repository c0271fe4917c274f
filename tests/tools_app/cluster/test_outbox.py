"""What is on its way to another worker: in order, in batches, tried again, and lost as a whole or not at all."""

import asyncio
from collections.abc import Sequence
from itertools import count
from types import SimpleNamespace

import pytest

from tests.clock import Clock
from tests.eventually import eventually
from tools_app.cluster import outbox
from tools_app.cluster.outbox import Delivery, Numbered, Outbox
from tools_app.sessions.session import SessionsUnavailable

WAIT = 60.0


class Other:
    """The other end: keeps what it is sent, and can be away, out of reach, or without some of the sessions."""

    def __init__(self) -> None:
        self.batches: list[list[Numbered]] = []
        self.attempts: list[list[int]] = []
        self.lost: list[Delivery] = []
        self.gone: set[str] = set()
        self.is_away = self.is_out_of_reach = False
        self.outbox = Outbox(self.take, self.lost.append, count(1))

    async def take(self, batch: Sequence[Numbered]) -> set[str] | None:
        self.attempts.append([number for number, _ in batch])
        await asyncio.sleep(0)
        if self.is_out_of_reach:
            raise SessionsUnavailable
        if self.is_away:
            return None
        self.batches.append(list(batch))
        return {delivery.session_key for _, delivery in batch} & self.gone

    @property
    def chunks(self) -> list[bytes]:
        return [delivery.chunk for batch in self.batches for _, delivery in batch]

    async def flush(self) -> None:
        async with asyncio.timeout(WAIT):
            await self.outbox.flush()

    async def attempted(self, times: int) -> None:
        await eventually(lambda: len(self.attempts) >= times)

    async def flush_too_late(self, clock: Clock) -> None:
        clock.now += outbox.RETRY_SECONDS
        await self.flush()


def delivery(number: int = 0, key: str = "s", size: int = 0) -> Delivery:
    return Delivery(key, b"%d" % number + b"." * size)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(outbox, "time", SimpleNamespace(monotonic=clock))
    monkeypatch.setattr(outbox, "_PAUSE", 0.001)
    return clock


async def test_parcels_arrive_in_order_and_their_numbers_grow_by_one() -> None:
    other = Other()
    for number in range(500):
        other.outbox.put(delivery(number, key=f"s{number % 3}"))
        if number % 7 == 0:
            await asyncio.sleep(0)
    await other.flush()
    assert other.chunks == [b"%d" % number for number in range(500)]
    assert [number for batch in other.batches for number, _ in batch] == list(range(1, 501))
    assert other.lost == []


async def test_what_waits_travels_together_up_to_a_number_and_a_size() -> None:
    other = Other()
    for number in range(130):
        other.outbox.put(delivery(number))
    await other.flush()
    assert [len(batch) for batch in other.batches] == [64, 64, 2]
    for number in range(3):
        other.outbox.put(delivery(number, size=600_000))
    await other.flush()
    assert [len(batch) for batch in other.batches[3:]] == [1, 1, 1]


async def test_one_parcel_larger_than_a_batch_travels_alone() -> None:
    other = Other()
    other.outbox.put(delivery(1, size=5_000_000))
    other.outbox.put(delivery(2))
    await other.flush()
    assert [len(batch) for batch in other.batches] == [1, 1]


@pytest.mark.parametrize("trouble", ["is_away", "is_out_of_reach"])
async def test_a_batch_that_nobody_received_is_sent_again_with_the_same_numbers(trouble: str) -> None:
    other = Other()
    setattr(other, trouble, True)
    other.outbox.put(delivery(1))
    other.outbox.put(delivery(2))
    await other.attempted(3)
    setattr(other, trouble, False)
    await other.flush()
    assert other.chunks == [b"1", b"2"]
    assert {tuple(numbers) for numbers in other.attempts} == {(1, 2)}
    assert other.lost == []


@pytest.mark.parametrize("trouble", ["is_away", "is_out_of_reach"])
async def test_what_nobody_received_in_time_is_lost(trouble: str, clock: Clock) -> None:
    other = Other()
    setattr(other, trouble, True)
    other.outbox.put(delivery(1))
    clock.now += outbox.RETRY_SECONDS - 0.01
    await other.attempted(3)
    assert other.lost == []
    await other.flush_too_late(clock)
    assert (other.chunks, [lost.chunk for lost in other.lost]) == ([], [b"1"])
    assert not other.outbox.is_busy


async def test_a_session_that_loses_one_parcel_loses_all_that_follow_and_the_others_lose_none(
    clock: Clock,
) -> None:
    other = Other()
    other.is_away = True
    other.outbox.put(delivery(1, "late"))
    clock.now += outbox.RETRY_SECONDS
    other.outbox.put(delivery(2, "in time"))
    other.outbox.put(delivery(3, "late"))
    await eventually(lambda: other.lost)
    other.is_away = False
    await other.flush()
    assert [lost.chunk for lost in other.lost] == [b"1", b"3"]
    assert other.chunks == [b"2"]


async def test_numbers_go_on_growing_after_something_was_lost(clock: Clock) -> None:
    other = Other()
    other.is_away = True
    other.outbox.put(delivery(1))
    await other.flush_too_late(clock)
    other.is_away = False
    other.outbox.put(delivery(2))
    await other.flush()
    assert [[number for number, _ in batch] for batch in other.batches] == [[2]]


async def test_what_is_sent_to_a_session_that_exists_no_more_is_lost() -> None:
    other = Other()
    other.gone = {"gone"}
    for number, key in enumerate(["here", "gone", "here"]):
        other.outbox.put(delivery(number, key))
    await other.flush()
    assert [lost.chunk for lost in other.lost] == [b"1"]


async def test_what_is_queued_is_bounded_and_what_is_too_much_is_lost_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_QUEUED_BYTES", 1_000)
    other = Other()
    other.is_away = True
    for number in range(5):
        other.outbox.put(delivery(number, f"s{number}", size=299))
    assert [lost.chunk[:1] for lost in other.lost] == [b"3", b"4"]
    await other.attempted(1)
    other.is_away = False
    await other.flush()
    assert len(other.chunks) == 3
    # What has been sent, or was lost, no longer counts.
    for number in range(3):
        other.outbox.put(delivery(number, f"s{number}", size=299))
    await other.flush()
    assert (len(other.chunks), len(other.lost)) == (6, 2)


async def test_what_was_lost_for_being_late_no_longer_counts(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(outbox, "MAX_QUEUED_BYTES", 1_000)
    other = Other()
    other.is_away = True
    other.outbox.put(delivery(1, size=900))
    await other.flush_too_late(clock)
    other.is_away = False
    other.outbox.put(delivery(2, size=900))
    await other.flush()
    assert [chunk[:1] for chunk in other.chunks] == [b"2"]


async def test_a_parcel_put_while_a_batch_is_under_way_is_sent_after_it() -> None:
    other = Other()
    other.outbox.put(delivery(1))
    await other.attempted(1)
    other.outbox.put(delivery(2))
    await other.flush()
    assert other.attempts == [[1], [2]]
