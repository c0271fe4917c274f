"""A token on its whole way to a principal: over real HTTP, and from memory."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import override_settings

from authz_app.policy.principal import Principal
from authz_app.tokens.errors import (
    Expired,
    InvalidToken,
    IssuerUnavailable,
    OpaqueToken,
    UnknownIssuer,
    UnknownKey,
    WrongAlgorithm,
)
from authz_app.tokens.issuer_keys import IssuerKeySets
from authz_app.tokens.verifier import TokenVerifier, verifier
from tests.at_once import at_once
from tests.issuer import Issuer

WAIT = 60.0


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer("EdDSA") as issuer:
        yield issuer


Open = Callable[..., TokenVerifier]


@pytest.fixture
def open_verifier() -> Iterator[Open]:
    opened: list[TokenVerifier] = []

    def open_(*issuers: Issuer, clock: Callable[[], float] = time.time) -> TokenVerifier:
        trusted = [issuer.trusted() for issuer in issuers]
        opened.append(TokenVerifier(trusted, IssuerKeySets(trusted, dict), 30, clock))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


async def verify(verifier: TokenVerifier, token: str) -> Principal:
    async with asyncio.timeout(WAIT):
        return await verifier.verify(token)


def verify_at_once(verifier: TokenVerifier, token: str) -> Principal:
    """Verify without giving the event loop a chance."""
    return at_once(verifier.verify(token))


async def refreshed(verifier: TokenVerifier) -> None:
    async with asyncio.timeout(WAIT):
        for keys in verifier._keys._sets.values():
            await asyncio.wrap_future(keys.refresh().landed)


async def test_a_token_is_verified_once_and_then_remembered(issuer: Issuer, open_verifier: Open) -> None:
    verifier = open_verifier(issuer)
    await verify(verifier, issuer.token(sub="somebody else"))
    token = issuer.token(sub="auth0|alice")
    first = verify_at_once(verifier, token)
    assert first.subject == "auth0|alice"
    assert verify_at_once(verifier, token) is first


async def test_a_remembered_token_expires(issuer: Issuer, open_verifier: Open) -> None:
    now = [1_800_000_000.0]
    verifier = open_verifier(issuer, clock=lambda: now[0])
    token = issuer.token(now=now[0], exp=int(now[0]) + 60)
    await verify(verifier, token)
    await verify(verifier, token)
    now[0] += 90
    with pytest.raises(Expired):
        await verify(verifier, token)


async def test_a_remembered_token_ends_with_its_key(issuer: Issuer, open_verifier: Open) -> None:
    verifier = open_verifier(issuer)
    token = issuer.token()
    await verify(verifier, token)
    await verify(verifier, token)
    issuer.rotate()
    await refreshed(verifier)
    with pytest.raises(UnknownKey):
        await verify(verifier, token)


async def test_remembered_tokens_outlive_an_outage_of_their_issuer(issuer: Issuer, open_verifier: Open) -> None:
    verifier = open_verifier(issuer)
    await verify(verifier, issuer.token())
    issuer.behaviour = "down"
    await refreshed(verifier)
    assert await verify(verifier, issuer.token(sub="first seen during the outage"))


async def test_a_cold_start_without_the_issuer_blames_no_token(issuer: Issuer, open_verifier: Open) -> None:
    issuer.behaviour = "down"
    with pytest.raises(IssuerUnavailable):
        await verify(open_verifier(issuer), issuer.token())


async def test_another_issuers_key_proves_nothing(issuer: Issuer, open_verifier: Open) -> None:
    with Issuer("EdDSA") as other:
        other.rotate()
        verifier = open_verifier(issuer, other)
        await verify(verifier, other.token())
        with pytest.raises(UnknownKey):
            await verify(verifier, other.sign(issuer.claims()))


async def test_what_no_key_could_save_causes_no_fetch(issuer: Issuer, open_verifier: Open) -> None:
    verifier = open_verifier(issuer)
    for token, refusal in [
        ("opaque", OpaqueToken),
        ("\ud800", OpaqueToken),
        (issuer.token(iss="https://other.example.com/"), UnknownIssuer),
        (issuer.sign(issuer.claims(), issuer.header(alg="none")), WrongAlgorithm),
    ]:
        with pytest.raises(refusal):
            verify_at_once(verifier, token)
    assert issuer.fetches == 0


async def test_a_refused_token_is_not_remembered(issuer: Issuer, open_verifier: Open) -> None:
    verifier = open_verifier(issuer)
    await verify(verifier, issuer.token())
    with pytest.raises(InvalidToken):
        await verify(verifier, issuer.token(sub=""))
    assert len(verifier._principals) == 0


async def test_the_verifier_follows_the_settings(issuer: Issuer) -> None:
    trusted: dict[str, Any] = {"issuer": issuer.url, "audiences": ["https://a"], "algorithms": ["EdDSA"]}
    token = issuer.token(aud="https://a")
    with override_settings(TRUSTED_ISSUERS=json.dumps([trusted])):
        assert await verify(verifier(), token)
        assert verifier() is verifier()
        former = verifier()
    assert former._keys._closed.is_set()
    with pytest.raises(UnknownIssuer):
        await verify(verifier(), token)
