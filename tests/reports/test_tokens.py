"""Tokens and keys as issuers, proxies of issuers and clients really make them."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from authz_app.policy.principal import Principal
from authz_app.tokens.errors import BadSignature, IssuerUnavailable
from authz_app.tokens.issuer_keys import IssuerKeySets
from authz_app.tokens.verifier import TokenVerifier
from tests.issuer import ABSENT, Issuer, private_key, public_jwk

WAIT = 60.0


class Site:
    """What verifies the tokens of one issuer, whose keys it fetches over HTTP."""

    def __init__(self, issuer: Issuer) -> None:
        trusted = [issuer.trusted()]
        self.now = 1_000.0
        self._keys = IssuerKeySets(trusted, dict, clock=lambda: self.now)
        self._verifier = TokenVerifier(trusted, self._keys, 30)

    async def verify(self, token: str) -> Principal:
        async with asyncio.timeout(WAIT):
            return await self._verifier.verify(token)

    async def refreshed(self) -> None:
        async with asyncio.timeout(WAIT):
            for keys in self._keys._sets.values():
                await asyncio.wrap_future(keys.refresh().landed)

    def close(self) -> None:
        self._verifier.close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer("ES256") as issuer:
        yield issuer


@pytest.fixture
def site(issuer: Issuer) -> Iterator[Site]:
    site = Site(issuer)
    yield site
    site.close()


# Keys


def jwk(number: int, algorithm: str = "ES256", **members: Any) -> dict[str, Any]:
    return public_jwk(private_key(algorithm, number), algorithm, **members)


RSA_KEY = jwk(0, "RS256", kid="key-0")
ODD = {"x5c": ["MIIC"], "x5t": "abc", "nbf": 1, "exp": "never", "owner": {"name": ["x"]}}
GOOD_AMONG_OTHERS: dict[str, Callable[[], list[Any]]] = {
    "two_keys_with_one_kid": lambda: [jwk(1, kid="key-0"), jwk(0, kid="key-0")],
    "the_same_key_twice": lambda: [jwk(0, kid="key-0"), jwk(0, kid="key-0")],
    "the_same_key_under_two_kids": lambda: [jwk(0, kid="key-9"), jwk(0, kid="key-0")],
    "no_kids": lambda: [jwk(1), jwk(2), jwk(0)],
    "null_kids": lambda: [jwk(1, kid=None), jwk(0, kid=None)],
    "empty_kids": lambda: [jwk(1, kid=""), jwk(0, kid="")],
    "a_kid_on_another_key_only": lambda: [jwk(1, kid="key-0"), jwk(0)],
    "two_families_with_one_kid": lambda: [RSA_KEY, jwk(0, kid="key-0")],
    "no_alg": lambda: [jwk(1, kid="key-0"), jwk(0, kid="key-0", use=None, alg=None)],
    "an_encryption_key_with_its_kid": lambda: [jwk(1, kid="key-0", use="enc"), jwk(0, kid="key-0")],
    "another_alg_with_its_kid": lambda: [jwk(1, "ES384", kid="key-0"), jwk(0, kid="key-0", alg="ES256")],
    "unknown_kty_and_crv": lambda: [
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "key-0", "pub": "x"},
        {"kty": "EC", "crv": "secp256k1", "kid": "key-0", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "kid": "key-0", "x": "AA"},
        jwk(0, kid="key-0"),
    ],
    "a_key_with_its_private_half": lambda: [{**jwk(1, kid="key-0"), "d": "AAAA"}, jwk(0, kid="key-0")],
    "keys_that_are_no_keys": lambda: [None, [], 7, "key", {}, {"kty": None}, {"kty": "EC"}, jwk(0, kid="key-0")],
    "odd_members": lambda: [{**jwk(0, kid="key-0"), **ODD}],
    "every_member_written_out": lambda: [
        {**dict.fromkeys(("d", "k", "n", "e", "p", "alg", "x5u")), **jwk(0, kid="key-0"), "key_ops": [], "x5c": []}
    ],
}


@pytest.mark.parametrize("with_kid", [True, False], ids=["with_kid", "without_kid"])
@pytest.mark.parametrize("published", GOOD_AMONG_OTHERS.values(), ids=GOOD_AMONG_OTHERS)
async def test_a_good_token_is_good_however_its_issuer_publishes_the_key(
    issuer: Issuer, site: Site, published: Callable[[], list[Any]], with_kid: bool
) -> None:
    issuer.documents["/jwks.json"] = {"keys": published()}
    header = issuer.header() if with_kid else issuer.header(kid=ABSENT)
    assert (await site.verify(issuer.sign(issuer.claims(), header))).subject == "auth0|alice"


async def test_a_key_set_of_70_kB_is_no_outage(issuer: Issuer, site: Site) -> None:
    certificates = {"x5c": ["M" * 2_000]}
    others = [{**jwk(1, kid=f"other-{number}"), **certificates} for number in range(34)]
    issuer.documents["/jwks.json"] = {"keys": [*others, jwk(0, kid="key-0")]}
    assert await site.verify(issuer.token())


NO_KEYS: dict[str, Any] = {
    "empty": {"keys": []},
    "no_usable_key": {"keys": [{"kty": "oct", "k": "AAAA"}, {**jwk(0), "use": "enc"}]},
    "only_with_private_halves": {"keys": [{**jwk(0, kid="key-0"), "d": "AAAA"}]},
    "only_keys_of_another_family": {"keys": [RSA_KEY]},
    "keys_is_no_list": {"keys": {"key-0": jwk(0)}},
    "another_shape": [jwk(0)],
    "an_error_with_status_200": {"error": "not found"},
    "null": None,
}


@pytest.mark.parametrize("published", NO_KEYS.values(), ids=NO_KEYS)
async def test_an_empty_key_set_takes_no_good_key_away(issuer: Issuer, site: Site, published: Any) -> None:
    assert await site.verify(issuer.token())
    issuer.documents["/jwks.json"] = published
    await site.refreshed()
    with pytest.raises(IssuerUnavailable):
        await site.verify(issuer.sign(issuer.claims(), issuer.header(kid="any unknown one")))
    assert await site.verify(issuer.token(sub="somebody else"))


async def test_html_with_status_200_takes_no_good_key_away(issuer: Issuer, site: Site) -> None:
    assert await site.verify(issuer.token())
    issuer.behaviour = "garbage"
    await site.refreshed()
    assert await site.verify(issuer.token(sub="somebody else"))


@pytest.mark.parametrize("published", [{"keys": []}, {"keys": [RSA_KEY]}])
async def test_a_start_with_an_empty_key_set_blames_no_token(issuer: Issuer, site: Site, published: Any) -> None:
    issuer.documents["/jwks.json"] = published
    with pytest.raises(IssuerUnavailable):
        await site.verify(issuer.token())


@pytest.mark.parametrize("kid", ["key-0", ABSENT], ids=["the_old_kid", "no_kid"])
async def test_a_key_replaced_under_its_old_kid_is_found_without_a_restart(
    issuer: Issuer, site: Site, kid: Any
) -> None:
    header = issuer.header(kid=kid)
    issuer.documents["/jwks.json"] = {"keys": [jwk(0, kid="key-0")]}
    assert await site.verify(issuer.sign(issuer.claims(), header))
    issuer.documents["/jwks.json"] = {"keys": [jwk(1, kid="key-0")]}
    assert await site.verify(issuer.sign(issuer.claims(), header, private_key("ES256", 1)))


async def test_signatures_by_nobody_s_key_cause_no_flood_of_fetches(issuer: Issuer, site: Site) -> None:
    forged = [issuer.sign(issuer.claims(sub=f"{n}"), key=private_key("ES256", 7)) for n in range(50)]
    issuer.documents["/jwks.json"] = {"keys": [jwk(0, kid="key-0"), jwk(1, kid="key-0"), jwk(2)]}
    for token in forged:
        with pytest.raises(BadSignature):
            await site.verify(token)
    assert issuer.fetches == 2
