"""The issuers' keys: over real HTTP from an issuer that fails in every way, on a clock that the test holds."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from authz_app.issuers import TrustedIssuer
from authz_app.tokens.errors import IssuerUnavailable, UnknownKey
from authz_app.tokens.issuer_keys import COOL_DOWN_SECONDS, MAX_UNKNOWN, UNKNOWN_SECONDS, IssuerKeys, IssuerKeySets
from authz_app.tokens.key_set import VerificationKey
from tests.at_once import at_once
from tests.clock import Clock
from tests.issuer import Behaviour, Issuer, private_key, public_jwk

WAIT = 60


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000.0)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer("EdDSA") as issuer:
        yield issuer


Open = Callable[..., IssuerKeySets]


@pytest.fixture
def key_sets(clock: Clock) -> Iterator[Open]:
    opened: list[IssuerKeySets] = []

    def open_(*issuers: TrustedIssuer, **options: Any) -> IssuerKeySets:
        arguments = {"embedded_jwks": dict, "clock": clock, "fetch_seconds": 60.0, **options}
        opened.append(IssuerKeySets(issuers, **arguments))
        return opened[-1]

    yield open_
    for sets in opened:
        sets.close()


async def find(sets: IssuerKeySets, issuer: Issuer, key_id: str | None = "key-0") -> VerificationKey:
    async with asyncio.timeout(WAIT):
        return (await sets.find(issuer.trusted(), key_id, issuer.algorithm))[0]


def find_at_once(sets: IssuerKeySets, issuer: Issuer, key_id: str = "key-0") -> VerificationKey:
    """Find a key without giving the event loop a chance: a lookup that waits for anything fails here."""
    return at_once(sets.find(issuer.trusted(), key_id, issuer.algorithm))[0]


async def refreshed(sets: IssuerKeySets) -> None:
    """All keys were read anew, or could not be."""
    async with asyncio.timeout(WAIT):
        for keys in sets._sets.values():
            await asyncio.wrap_future(keys.refresh().landed)


# At hand


async def test_keys_are_fetched_once_for_many_lookups(issuer: Issuer, key_sets: Open) -> None:
    sets = key_sets(issuer.trusted())
    await find(sets, issuer)
    for _ in range(100):
        assert find_at_once(sets, issuer).key_id == "key-0"
    assert issuer.fetches == 1


async def test_lookups_at_the_same_time_share_one_fetch(issuer: Issuer, key_sets: Open) -> None:
    issuer.behaviour = "slow"
    sets = key_sets(issuer.trusted())
    lookups = [asyncio.create_task(find(sets, issuer)) for _ in range(50)]
    await asyncio.sleep(0)
    issuer.release()
    assert {key.key_id for key in await asyncio.gather(*lookups)} == {"key-0"}
    assert issuer.fetches == 1


async def test_a_key_at_hand_never_waits_behind_a_fetch(issuer: Issuer, key_sets: Open) -> None:
    sets = key_sets(issuer.trusted())
    await find(sets, issuer)
    issuer.behaviour = "slow"
    unknown = asyncio.create_task(find(sets, issuer, "unknown"))
    await asyncio.sleep(0)
    assert find_at_once(sets, issuer)
    issuer.release()
    with pytest.raises(UnknownKey):
        await unknown


async def test_a_fetch_has_a_thread_of_its_own(key_sets: Open, issuer: Issuer) -> None:
    """Not the one that all of sync_to_async shares outside a request: it may be busy for long."""
    threads: list[str] = []

    def embedded_jwks() -> dict[str, Any]:
        threads.append(threading.current_thread().name)
        return issuer.jwks()

    trusted = issuer.trusted(embedded=True)
    await key_sets(trusted, embedded_jwks=embedded_jwks).find(trusted, "key-0", issuer.algorithm)
    assert threads == ["jwks"]


async def test_who_stops_waiting_takes_the_fetch_from_nobody(issuer: Issuer, key_sets: Open) -> None:
    issuer.behaviour = "slow"
    sets = key_sets(issuer.trusted())
    impatient, patient = (asyncio.create_task(find(sets, issuer)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait([impatient], timeout=WAIT)
    issuer.release()
    assert (await patient).key_id == "key-0"


# Rotation


async def test_a_new_key_is_found_as_soon_as_a_token_names_it(issuer: Issuer, key_sets: Open) -> None:
    sets = key_sets(issuer.trusted())
    await find(sets, issuer)
    issuer.rotate()
    assert (await find(sets, issuer, "key-1")).key_id == "key-1"
    assert issuer.fetches == 2


async def test_a_withdrawn_key_is_gone_after_the_next_refresh(issuer: Issuer, key_sets: Open) -> None:
    sets = key_sets(issuer.trusted())
    await find(sets, issuer)
    generation = sets.generation
    issuer.rotate()
    await refreshed(sets)
    assert sets.generation == generation + 1
    with pytest.raises(UnknownKey):
        await find(sets, issuer, "key-0")


async def test_the_generation_stays_when_a_refresh_brings_the_same_keys(issuer: Issuer, key_sets: Open) -> None:
    sets = key_sets(issuer.trusted())
    await find(sets, issuer)
    generation = sets.generation
    await refreshed(sets)
    assert issuer.fetches == 2
    assert sets.generation == generation


NO_KEYS: list[Any] = [{"keys": []}, {"keys": [{"kty": "oct"}]}, {"keys": {}}, {"keys": None}, [], "keys", None, {}]


@pytest.mark.parametrize("document", NO_KEYS)
async def test_a_set_without_a_usable_key_is_a_failed_fetch(issuer: Issuer, key_sets: Open, document: Any) -> None:
    sets = key_sets(issuer.trusted())
    await find(sets, issuer)
    issuer.documents["/jwks.json"] = document
    with pytest.raises(IssuerUnavailable):
        await find(sets, issuer, "unknown")
    assert find_at_once(sets, issuer).key_id == "key-0"
    assert sets.generation == 1


async def test_keys_that_signed_nothing_are_replaced_by_newer_ones_once_there_are_any(
    issuer: Issuer, key_sets: Open, clock: Clock
) -> None:
    sets = key_sets(issuer.trusted())
    tried = await sets.find(issuer.trusted(), "key-0", issuer.algorithm)

    async def newer() -> tuple[VerificationKey, ...]:
        async with asyncio.timeout(WAIT):
            return await sets.find_newer(issuer.trusted(), "key-0", issuer.algorithm, tried)

    for _ in range(20):
        assert await newer() == ()
    assert issuer.fetches == 2
    issuer.documents["/jwks.json"] = {"keys": [public_jwk(private_key("EdDSA", 1), "EdDSA", kid="key-0")]}
    clock.now += UNKNOWN_SECONDS
    (replaced,) = await newer()
    assert replaced.key_id == "key-0"
    assert (replaced,) != tried
    issuer.behaviour = "down"
    assert await sets.find_newer(issuer.trusted(), "key-0", issuer.algorithm, (replaced,)) == ()


async def test_keys_are_refreshed_without_any_token_asking(issuer: Issuer, key_sets: Open) -> None:
    third_load = threading.Event()
    loads: list[None] = []

    def embedded_jwks() -> dict[str, Any]:
        loads.append(None)
        if len(loads) == 3:
            third_load.set()
        return issuer.jwks()

    trusted = issuer.trusted(embedded=True)
    sets = key_sets(trusted, embedded_jwks=embedded_jwks, refresh_seconds=0.01)
    await sets.find(trusted, "key-0", issuer.algorithm)
    assert await asyncio.to_thread(third_load.wait, WAIT)


async def test_closing_ends_the_periodic_refresh(issuer: Issuer, key_sets: Open) -> None:
    trusted = issuer.trusted(embedded=True)
    sets = key_sets(trusted, embedded_jwks=issuer.jwks, refresh_seconds=0.01)
    await sets.find(trusted, "key-0", issuer.algorithm)
    sets.close()
    assert sets._refresher is not None
    await asyncio.to_thread(sets._refresher.join, WAIT)
    assert not sets._refresher.is_alive()


# Unknown keys


async def test_a_flood_of_unknown_key_ids_is_one_fetch_per_cool_down(
    issuer: Issuer, key_sets: Open, clock: Clock
) -> None:
    sets = key_sets(issuer.trusted())
    await find(sets, issuer)
    for number in range(500):
        with pytest.raises(UnknownKey):
            await find(sets, issuer, f"unknown-{number}")
    assert issuer.fetches == 2
    clock.now += COOL_DOWN_SECONDS
    for number in range(500):
        with pytest.raises(UnknownKey):
            await find(sets, issuer, f"unknown-{number}")
    assert issuer.fetches == 3


async def test_a_flood_at_the_same_time_is_one_fetch(issuer: Issuer, key_sets: Open) -> None:
    sets = key_sets(issuer.trusted())
    results = await asyncio.gather(
        *(find(sets, issuer, f"unknown-{number}") for number in range(500)), return_exceptions=True
    )
    assert {type(result) for result in results} == {UnknownKey}
    assert issuer.fetches == 1


async def test_an_unknown_key_id_is_remembered_beyond_the_cool_down(
    issuer: Issuer, key_sets: Open, clock: Clock
) -> None:
    sets = key_sets(issuer.trusted())
    fetches = []
    for seconds in (0, COOL_DOWN_SECONDS, UNKNOWN_SECONDS - COOL_DOWN_SECONDS):
        clock.now += seconds
        with pytest.raises(UnknownKey):
            await find(sets, issuer, "unknown")
        fetches.append(issuer.fetches)
    assert fetches == [1, 1, 2]


async def test_a_new_key_is_found_after_a_flood_once_the_cool_down_is_over(
    issuer: Issuer, key_sets: Open, clock: Clock
) -> None:
    sets = key_sets(issuer.trusted())
    with pytest.raises(UnknownKey):
        await find(sets, issuer, "unknown")
    issuer.rotate()
    clock.now += COOL_DOWN_SECONDS
    assert await find(sets, issuer, "key-1")


async def test_the_memory_of_unknown_key_ids_is_bounded(issuer: Issuer, clock: Clock) -> None:
    keys = IssuerKeys(issuer.trusted(), issuer.jwks, lambda: None, clock)
    for number in range(MAX_UNKNOWN + 20):
        clock.now += COOL_DOWN_SECONDS
        with pytest.raises(UnknownKey):
            await keys.find(f"unknown-{number}", issuer.algorithm)
    assert len(keys._unknown) == MAX_UNKNOWN


async def test_a_key_id_is_looked_up_only_in_the_set_of_its_issuer(issuer: Issuer, key_sets: Open) -> None:
    with Issuer("EdDSA") as other:
        other.rotate()
        sets = key_sets(issuer.trusted(), other.trusted())
        assert await find(sets, other, "key-1")
        with pytest.raises(UnknownKey):
            await find(sets, issuer, "key-1")


# Failures

FAILURES: list[Behaviour] = ["down", "redirect", "huge", "garbage", "dripping", "dripping-headers", "slow"]


@pytest.mark.parametrize("behaviour", FAILURES)
async def test_without_keys_a_failing_issuer_makes_no_token_bad(
    issuer: Issuer, key_sets: Open, behaviour: Behaviour
) -> None:
    issuer.behaviour = behaviour
    sets = key_sets(issuer.trusted(), fetch_seconds=0.3)
    with pytest.raises(IssuerUnavailable) as refused:
        await find(sets, issuer)
    assert not issuer.released.is_set()  # What is slow or drips would have gone on.
    assert 1 <= refused.value.retry_after <= COOL_DOWN_SECONDS


@pytest.mark.parametrize("behaviour", FAILURES)
async def test_the_last_good_keys_are_served_while_the_issuer_fails(
    issuer: Issuer, key_sets: Open, behaviour: Behaviour
) -> None:
    sets = key_sets(issuer.trusted(), fetch_seconds=0.3)
    await find(sets, issuer)
    issuer.behaviour = behaviour
    if behaviour == "slow":
        sets.refresh()
    else:
        await refreshed(sets)
    assert find_at_once(sets, issuer)
    assert sets.generation == 1


async def test_an_issuer_that_refuses_connections_makes_no_token_bad(issuer: Issuer, key_sets: Open) -> None:
    with Issuer("EdDSA") as gone:
        pass
    with pytest.raises(IssuerUnavailable):
        await find(key_sets(gone.trusted()), gone)


async def test_an_unknown_key_id_is_not_refused_while_the_issuer_fails(issuer: Issuer, key_sets: Open) -> None:
    """It may be a new key. A refusal would send its owner to log in again, in a circle."""
    sets = key_sets(issuer.trusted())
    await find(sets, issuer)
    issuer.behaviour = "down"
    for _ in range(3):
        with pytest.raises(IssuerUnavailable):
            await find(sets, issuer, "key-1")
    assert issuer.fetches == 2


async def test_failures_cool_down_and_then_heal(issuer: Issuer, key_sets: Open, clock: Clock) -> None:
    issuer.behaviour = "down"
    sets = key_sets(issuer.trusted())
    for _ in range(20):
        with pytest.raises(IssuerUnavailable):
            await find(sets, issuer)
    assert issuer.fetches == 1
    issuer.behaviour = "up"
    clock.now += COOL_DOWN_SECONDS
    assert await find(sets, issuer)


async def test_nobody_waits_for_a_fetch_that_is_past_its_limit(issuer: Issuer, clock: Clock) -> None:
    loading = threading.Event()
    keys = IssuerKeys(issuer.trusted(), lambda: loading.wait(6 * WAIT), lambda: None, clock, limit=3.0)
    flight = keys.refresh()
    clock.now += 3.0
    with pytest.raises(IssuerUnavailable):
        async with asyncio.timeout(WAIT):
            await keys.find("key-0", issuer.algorithm)
    loading.set()
    flight.landed.result(WAIT)


async def test_a_loader_that_crashes_is_a_failure_and_is_logged(
    issuer: Issuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    keys = IssuerKeys(issuer.trusted(), lambda: 1 / 0, lambda: None, clock)
    with pytest.raises(IssuerUnavailable):
        await keys.find("key-0", issuer.algorithm)
    assert "ZeroDivisionError" in caplog.text


# The embedded issuer


async def test_the_embedded_issuer_is_never_fetched(issuer: Issuer, key_sets: Open) -> None:
    trusted = issuer.trusted(embedded=True)
    sets = key_sets(trusted, embedded_jwks=issuer.jwks)
    assert await sets.find(trusted, "key-0", issuer.algorithm)
    issuer.rotate()
    assert await sets.find(trusted, "key-1", issuer.algorithm)
    assert issuer.fetches == 0
