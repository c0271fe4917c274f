"""The issuers' keys: over real HTTP from an issuer that fails in every way, on a clock that the test holds."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import get_default_algorithms

from authz_app.issuers import TrustedIssuer
from authz_app.tokens import jwks
from authz_app.tokens.errors import IssuerUnavailable, UnknownKey
from authz_app.tokens.jwks import (
    COOL_DOWN_SECONDS,
    MAX_UNKNOWN,
    UNKNOWN_SECONDS,
    FetchError,
    IssuerKeys,
    IssuerKeySets,
    VerificationKey,
    fetch_json,
    parse_key_set,
    remote_keys,
)
from tests.at_once import at_once
from tests.clock import Clock
from tests.issuer import Behaviour, Issuer, private_key, public_jwk

WAIT = 10
# On a busy machine an example may take any time; what counts is how it ends.
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
        arguments = {"embedded_jwks": dict, "clock": clock, "fetch_seconds": 2.0, **options}
        opened.append(IssuerKeySets(issuers, **arguments))
        return opened[-1]

    yield open_
    for sets in opened:
        sets.close()


async def find(sets: IssuerKeySets, issuer: Issuer, key_id: str | None = "key-0") -> VerificationKey:
    async with asyncio.timeout(WAIT):
        return await sets.find(issuer.trusted(), key_id, issuer.algorithm)


def find_at_once(sets: IssuerKeySets, issuer: Issuer, key_id: str = "key-0") -> VerificationKey:
    """Find a key without giving the event loop a chance: a lookup that waits for anything fails here."""
    return at_once(sets.find(issuer.trusted(), key_id, issuer.algorithm))


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


async def test_withdrawing_all_keys_counts(issuer: Issuer, key_sets: Open) -> None:
    sets = key_sets(issuer.trusted())
    await find(sets, issuer)
    issuer.documents["/jwks.json"] = {"keys": []}
    await refreshed(sets)
    with pytest.raises(UnknownKey):
        await find(sets, issuer)


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
    keys = IssuerKeys(issuer.url, issuer.jwks, lambda: None, clock)
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
    began = time.monotonic()
    with pytest.raises(IssuerUnavailable) as refused:
        await find(sets, issuer)
    assert time.monotonic() - began < 15
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


@pytest.mark.parametrize("behaviour", ["dripping", "dripping-headers"])
def test_a_dripping_answer_is_cut(issuer: Issuer, behaviour: Behaviour) -> None:
    issuer.behaviour = behaviour
    began = time.monotonic()
    with pytest.raises(FetchError):
        fetch_json(f"{issuer.url}/jwks.json", 0.3)
    assert 0.2 < time.monotonic() - began < 15


async def test_nobody_waits_for_a_fetch_that_is_past_its_limit(issuer: Issuer, clock: Clock) -> None:
    loading = threading.Event()
    keys = IssuerKeys(issuer.url, lambda: loading.wait(WAIT), lambda: None, clock, limit=3.0)
    flight = keys.refresh()
    clock.now += 3.0
    with pytest.raises(IssuerUnavailable):
        async with asyncio.timeout(1):
            await keys.find("key-0", issuer.algorithm)
    loading.set()
    flight.landed.result(WAIT)


async def test_a_loader_that_crashes_is_a_failure_and_is_logged(
    issuer: Issuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    keys = IssuerKeys(issuer.url, lambda: 1 / 0, lambda: None, clock)
    with pytest.raises(IssuerUnavailable):
        await keys.find("key-0", issuer.algorithm)
    assert "ZeroDivisionError" in caplog.text


def test_a_redirect_is_not_followed(issuer: Issuer) -> None:
    issuer.behaviour = "redirect"
    with pytest.raises(FetchError, match="302"):
        fetch_json(f"{issuer.url}/jwks.json", 2)
    assert fetch_json(f"{issuer.url}/elsewhere.json", 2) == issuer.jwks()


def test_more_than_the_limit_is_not_read(issuer: Issuer) -> None:
    issuer.behaviour = "huge"
    with pytest.raises(FetchError, match="more than 65536 bytes"):
        fetch_json(f"{issuer.url}/jwks.json", 2)


def test_an_issuer_on_this_machine_is_not_asked_through_a_proxy(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Issuer() as gone:
        monkeypatch.setenv("HTTP_PROXY", gone.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
    assert fetch_json(f"{issuer.url}/jwks.json", 2) == issuer.jwks()


# Discovery


def test_keys_are_discovered_where_no_address_is_configured(issuer: Issuer) -> None:
    assert remote_keys(issuer.trusted(jwks_uri="")) == issuer.jwks()


def test_an_issuer_with_a_final_slash_is_discovered_below_it(issuer: Issuer) -> None:
    name = f"{issuer.url}/"
    issuer.documents["/.well-known/openid-configuration"] = {"issuer": name, "jwks_uri": f"{issuer.url}/jwks.json"}
    assert remote_keys(issuer.trusted(issuer=name, jwks_uri="")) == issuer.jwks()


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://attacker.example.com"},
        {"issuer": None},
        {"jwks_uri": "http://jwks.example.com/"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://"},
        {"jwks_uri": None},
        {"jwks_uri": ["https://example.com"]},
    ],
)
def test_a_discovery_document_that_cannot_be_trusted_is_refused(issuer: Issuer, changed: dict[str, Any]) -> None:
    good = issuer.document("/.well-known/openid-configuration")
    issuer.documents["/.well-known/openid-configuration"] = {**good, **changed}
    with pytest.raises(FetchError, match="published a discovery document"):
        remote_keys(issuer.trusted(jwks_uri=""))
    assert issuer.fetches == 0


def test_discovery_and_fetch_share_one_time_limit(issuer: Issuer) -> None:
    limits = []

    def fetch(url: str, seconds: float) -> Any:
        limits.append(seconds)
        return issuer.document(url.removeprefix(issuer.url))

    remote_keys(issuer.trusted(jwks_uri=""), 2.0, fetch)
    assert limits[0] == 2.0 > limits[1]


# The embedded issuer


async def test_the_embedded_issuer_is_never_fetched(issuer: Issuer, key_sets: Open) -> None:
    trusted = issuer.trusted(embedded=True)
    sets = key_sets(trusted, embedded_jwks=issuer.jwks)
    assert await sets.find(trusted, "key-0", issuer.algorithm)
    issuer.rotate()
    assert await sets.find(trusted, "key-1", issuer.algorithm)
    assert issuer.fetches == 0


# Key sets


def usable(*keys: Any) -> int:
    return len(parse_key_set({"keys": list(keys)}).keys)


RSA = public_jwk(private_key("RS256"), "RS256", kid="a")


def without(jwk: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in names}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_public_signature_keys_are_usable(algorithm: str) -> None:
    assert usable(public_jwk(private_key(algorithm), algorithm)) == 1


def test_a_key_may_leave_out_what_is_optional() -> None:
    assert usable(without(RSA, "use", "key_ops", "kid", "alg")) == 1


@pytest.mark.parametrize(
    "jwk",
    [
        {**RSA, "use": "enc"},
        {**RSA, "use": None},
        {**RSA, "key_ops": ["encrypt"]},
        {**RSA, "key_ops": "verify"},
        {**get_default_algorithms()["EdDSA"].to_jwk(private_key("EdDSA"), as_dict=True), "use": "sig"},
        {**RSA, "kid": 1},
        {**RSA, "alg": ["RS256"]},
        {**RSA, "n": "AQAB"},
        {**RSA, "n": 1},
        {**RSA, "e": "!"},
        {**RSA, "e": "AA"},
        {**RSA, "kty": "EC", "crv": "P-256"},
        {**RSA, "kty": ["RSA"]},
        {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "oct", "k": "c2VjcmV0", "crv": "RSA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        public_jwk(private_key("RS256", bits=1024), "RS256"),
        {},
        None,
        [],
        "key",
    ],
)
def test_a_key_that_cannot_be_trusted_to_verify_is_left_out(jwk: Any) -> None:
    assert usable(jwk, RSA) == 1


@pytest.mark.parametrize("document", [None, [], {}, {"keys": None}, {"keys": {}}, {"keys": "key"}, RSA])
def test_what_is_no_key_set_is_refused(document: Any) -> None:
    with pytest.raises(FetchError):
        parse_key_set(document)


def test_a_token_without_key_id_needs_a_set_that_leaves_no_choice() -> None:
    other = public_jwk(private_key("RS256", 1), "RS256", kid="b")
    elliptic = public_jwk(private_key("ES256"), "ES256", kid="c")
    one = parse_key_set({"keys": [RSA, elliptic]}).find(None, "RS256")
    assert one is not None
    assert one.key_id == "a"
    assert parse_key_set({"keys": [RSA, other]}).find(None, "RS256") is None


def test_a_key_id_that_two_keys_share_names_neither() -> None:
    other = public_jwk(private_key("RS256", 1), "RS256", kid="a")
    assert parse_key_set({"keys": [RSA, other]}).find("a", "RS256") is None


def test_a_key_serves_only_the_algorithm_that_it_names() -> None:
    keys = parse_key_set({"keys": [{**RSA, "alg": "RS256"}]})
    assert keys.find("a", "RS256")
    assert keys.find("a", "RS512") is None
    assert keys.find("a", "PS256") is None


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "EdDSA", "HS256", "none", "RSA", ""])
def test_a_key_serves_no_algorithm_of_another_family(algorithm: str) -> None:
    assert parse_key_set({"keys": [RSA]}).find("a", algorithm) is None


SCALAR = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["RSA", "EC", "P-256", "OKP"])
)
JSON = SCALAR | st.lists(SCALAR, max_size=2) | st.dictionaries(st.text(max_size=4), SCALAR, max_size=2)
MEMBERS = ("kty", "crv", "n", "e", "x", "y", "use", "alg", "kid", "key_ops")
JWK = st.fixed_dictionaries({}, optional=dict.fromkeys(MEMBERS, JSON))
GOOD = [RSA, public_jwk(private_key("ES256"), "ES256"), public_jwk(private_key("EdDSA"), "EdDSA")]


@FUZZ
@given(good=st.sampled_from(GOOD), changed=JWK)
def test_any_key_is_used_or_left_out_and_nothing_else(good: dict[str, Any], changed: dict[str, Any]) -> None:
    for key in parse_key_set({"keys": [{**good, **changed}, changed]}).keys:
        assert hash(key.key_id) is not None
        assert key.family in jwks._READERS
