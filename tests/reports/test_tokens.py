"""Tokens and keys as issuers, proxies of issuers and clients really make them."""

import asyncio
import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from django.test import Client as Browser
from pytest_django import Settings

from authz_app.issuers import IssuerConfigError, parse_issuer
from authz_app.policy.principal import Principal
from authz_app.tokens.errors import (
    BadSignature,
    IdToken,
    InvalidToken,
    IssuerUnavailable,
    MissingClaim,
    WrongApplication,
    WrongAudience,
    WrongType,
)
from authz_app.tokens.issuer_keys import IssuerKeySets
from authz_app.tokens.verifier import TokenVerifier, verifier
from tests.authz_app.pages.browsing import text
from tests.conftest import copy_postgresql, copy_sqlite
from tests.databases import execute, rule_for_everybody
from tests.issuer import ABSENT, AUDIENCE, Issuer, private_key, public_jwk
from tests.person import Person, add_person, metadata_of, redeem, register
from tests.raw_modern import call as modern_call, post
from tests.raw_sse import raw_session
from tests.redis import RedisServer
from tests.round_robin import BalancedSite, balanced_site
from tests.site import Site as ServedSite

WAIT = 60.0


class Site:
    """What verifies the tokens of one issuer, whose keys it fetches over HTTP."""

    def __init__(self, issuer: Issuer, **options: Any) -> None:
        entry = {"issuer": issuer.url, "algorithms": [issuer.algorithm], "jwks_uri": f"{issuer.url}/jwks.json"}
        trusted = [parse_issuer(entry | options)]
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
    site = Site(issuer, audiences=[AUDIENCE])
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


# Claims


@pytest.mark.parametrize("blank", [None, "", []], ids=["null", "empty_text", "empty_list"])
@pytest.mark.parametrize("claim", ["scope", "scp", "azp", "client_id", "nbf", "iat", "typ", "nonce", "cnf", "events"])
async def test_a_claim_that_is_null_or_empty_counts_as_absent(
    issuer: Issuer, site: Site, claim: str, blank: Any
) -> None:
    good = {"azp": ABSENT, "scope": ABSENT}
    absent = await site.verify(issuer.token(**{**good, claim: ABSENT}))
    principal = await site.verify(issuer.token(**{**good, claim: blank}))
    assert (principal.oauth_client_id, principal.token_scopes) == (absent.oauth_client_id, absent.token_scopes)
    assert principal.oauth_client_id == ""
    assert principal.token_scopes == frozenset()


async def test_a_blank_client_id_leaves_the_word_to_azp(issuer: Issuer, site: Site) -> None:
    assert (await site.verify(issuer.token(client_id="", azp="app"))).oauth_client_id == "app"


async def test_blanks_in_lists_count_as_absent(issuer: Issuer, site: Site) -> None:
    principal = await site.verify(issuer.token(aud=[None, AUDIENCE, ""], scope=[None, "a", ""]))
    assert principal.token_scopes == {"a"}


@pytest.mark.parametrize("claim", ["sub", "aud", "exp"])
@pytest.mark.parametrize("blank", [None, "", [], [None]])
async def test_what_a_token_needs_is_missing_where_it_is_blank(
    issuer: Issuer, site: Site, claim: str, blank: Any
) -> None:
    with pytest.raises(MissingClaim):
        await site.verify(issuer.token(**{claim: blank}))


# Issuers, by what their access tokens look like

SUBJECT = "248289dc-1d51-4a10-b0e2-4f2f44a0c3d1"
# aud, azp and scope are those of tests.issuer, unless they are said here.
NONE_OF_OURS = {"aud": ABSENT, "azp": ABSENT, "scope": ABSENT}
COGNITO = {
    **NONE_OF_OURS,
    "cognito:groups": ["clerks"],
    "version": 2,
    "client_id": "3n4b5urk1ft4fl3mg5e62d9ado",
    "origin_jti": "b1e6e0c4-5fd5-4b60-9e1f-96c2b3a3f9f4",
    "event_id": "0d9b9e7c-64b7-4f0c-8a53-8b0f3f0ab6d5",
    "token_use": "access",
    "scope": "openid orders/read",
    "auth_time": 1_700_000_000,
    "jti": "7d6b1a80-8b53-4b3c-b7c6-4a2d0d3c5b1e",
    "username": "ada",
}
COGNITO_SERVICE = {
    **NONE_OF_OURS,
    "sub": COGNITO["client_id"],
    "token_use": "access",
    "scope": "orders/read",
    "auth_time": 1_700_000_000,
    "version": 2,
    "jti": "5a0d5a0c-7d0d-44a9-a5b5-fb44e9a9a3c4",
    "client_id": COGNITO["client_id"],
}
OKTA = {
    **NONE_OF_OURS,
    "ver": 1,
    "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
    "aud": "api://default",
    "cid": "0oabucvyc38HLL1ef0h7",
    "uid": "00ub0oNGTSWTBKOLGLNR",
    "scp": ["openid", "orders.read"],
    "auth_time": 1_700_000_000,
    "sub": "ada@example.com",
}
OKTA_SERVICE = {
    **NONE_OF_OURS,
    "ver": 1,
    "jti": "AT.x",
    "aud": "api://default",
    "cid": "0oabucvyc38HLL1ef0h7",
    "scp": ["orders.read"],
    "sub": "0oabucvyc38HLL1ef0h7",
}
ENTRA_V1 = {
    **NONE_OF_OURS,
    "aud": "api://6e74172b-be56-4843-9ff4-e66a39bb12e3",
    "nbf": 1_700_000_000,
    "acr": "1",
    "aio": "AXQAi/8IAAAAFm+E/QTG+gFnVxLjWdw8K+61AGrSOuMMF6ebaMj7XO3Ibmd3fGmr",
    "amr": ["pwd"],
    "appid": "b14a7505-96e9-4927-91e8-0601d0fc9caa",
    "appidacr": "0",
    "family_name": "Lovelace",
    "ipaddr": "203.0.113.7",
    "name": "Ada Lovelace",
    "oid": "e3938f51-1ff1-42ba-a1b0-7e2a7a1d6c45",
    "rh": "0.AAAA",
    "scp": "mcp.call",
    "sub": "l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA",
    "tid": "fa15d692-e9c7-4460-a743-29f2956fd429",
    "unique_name": "ada@example.com",
    "upn": "ada@example.com",
    "uti": "cP-1",
    "ver": "1.0",
}
ENTRA_V1_SERVICE = {
    **NONE_OF_OURS,
    "aud": "api://6e74172b-be56-4843-9ff4-e66a39bb12e3",
    "appid": "b14a7505-96e9-4927-91e8-0601d0fc9caa",
    "appidacr": "1",
    "idp": "https://sts.windows.net/fa15d692-e9c7-4460-a743-29f2956fd429/",
    "oid": "0f2b6d6a-7f0e-4b0c-9f52-1c7b4f0b5c1a",
    "roles": ["Orders.Read"],
    "sub": "0f2b6d6a-7f0e-4b0c-9f52-1c7b4f0b5c1a",
    "ver": "1.0",
}
ENTRA = {
    **NONE_OF_OURS,
    "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
    "aio": "AXQAi/8TAAAA",
    "azp": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
    "azpacr": "0",
    "name": "Ada Lovelace",
    "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
    "preferred_username": "ada@example.com",
    "rh": "I",
    "scp": "mcp.call",
    "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
    "tid": "fa15d692-e9c7-4460-a743-29f2956fd429",
    "uti": "fqiBqXLPj0eQa82S-IYFAA",
    "ver": "2.0",
}
AUTH0 = {
    **NONE_OF_OURS,
    "sub": "auth0|6478be0f4d2f",
    "aud": ["https://mcp.example.com/mcp", "https://tenant.eu.auth0.com/userinfo"],
    "azp": "my_client_id",
    "scope": "openid profile orders:read",
    "permissions": ["orders:read"],
}
AUTH0_RFC9068 = {**NONE_OF_OURS, "aud": "https://mcp.example.com/mcp", "client_id": "my_client_id", "jti": "x"}
KEYCLOAK = {
    **NONE_OF_OURS,
    "auth_time": 1_700_000_000,
    "jti": "onrtac:0c6fe1a2",
    "aud": ["https://mcp.example.com/mcp", "account"],
    "sub": SUBJECT,
    "typ": "Bearer",
    "azp": "mcp-clients",
    "sid": "a",
    "nonce": "n",
    "acr": "1",
    "allowed-origins": ["/*"],
    "realm_access": {"roles": ["offline_access"]},
    "resource_access": {"account": {"roles": ["view-profile"]}},
    "scope": "openid mcp",
    "preferred_username": "ada",
}
API = {"audiences": ["https://mcp.example.com/mcp"]}
ENTRA_API = {"audiences": ["api://6e74172b-be56-4843-9ff4-e66a39bb12e3", "6e74172b-be56-4843-9ff4-e66a39bb12e3"]}
SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any], str, set[str]]] = {
    "cognito": (
        {"preset": "cognito", "client_ids": [COGNITO["client_id"]]},
        COGNITO,
        "3n4b5urk1ft4fl3mg5e62d9ado",
        {"openid", "orders/read"},
    ),
    "cognito_service": (
        {"preset": "cognito", "client_ids": ["x", COGNITO["client_id"]]},
        COGNITO_SERVICE,
        "3n4b5urk1ft4fl3mg5e62d9ado",
        {"orders/read"},
    ),
    "cognito_with_a_resource": (
        {"preset": "cognito", "client_ids": [COGNITO["client_id"]], **API},
        {**COGNITO, "aud": "https://mcp.example.com/mcp"},
        "3n4b5urk1ft4fl3mg5e62d9ado",
        {"openid", "orders/read"},
    ),
    "okta": (
        {"preset": "okta", "audiences": ["api://default"]},
        OKTA,
        "0oabucvyc38HLL1ef0h7",
        {"openid", "orders.read"},
    ),
    "okta_service": (
        {"preset": "okta", "audiences": ["api://default"]},
        OKTA_SERVICE,
        "0oabucvyc38HLL1ef0h7",
        {"orders.read"},
    ),
    "entra_v1": ({"preset": "entra-v1", **ENTRA_API}, ENTRA_V1, "b14a7505-96e9-4927-91e8-0601d0fc9caa", {"mcp.call"}),
    "entra_v1_service": (
        {"preset": "entra-v1", **ENTRA_API},
        ENTRA_V1_SERVICE,
        "b14a7505-96e9-4927-91e8-0601d0fc9caa",
        {"Orders.Read"},
    ),
    "entra": ({"preset": "entra", **ENTRA_API}, ENTRA, "6e74172b-be56-4843-9ff4-e66a39bb12e3", {"mcp.call"}),
    "auth0": (
        {"preset": "auth0", "scope_claims": ["permissions"], **API},
        AUTH0,
        "my_client_id",
        {"openid", "profile", "orders:read"},
    ),
    "auth0_rfc9068": ({"preset": "auth0", **API}, AUTH0_RFC9068, "my_client_id", set()),
    "keycloak": ({"preset": "keycloak", **API}, KEYCLOAK, "mcp-clients", {"openid", "mcp"}),
    "no_preset_but_named_claims": (
        {"client_id_claims": ["cid"], "audiences": ["api://default"]},
        OKTA,
        "0oabucvyc38HLL1ef0h7",
        {"openid", "orders.read"},
    ),
}


async def verified(issuer: Issuer, options: dict[str, Any], claims: dict[str, Any]) -> Principal:
    site = Site(issuer, **options)
    try:
        return await site.verify(issuer.token(**{"sub": SUBJECT, **claims}))
    finally:
        site.close()


@pytest.mark.parametrize("shape", SHAPES)
async def test_tokens_shaped_as_their_issuer_makes_them_name_caller_application_and_scopes(
    issuer: Issuer, shape: str
) -> None:
    options, claims, client_id, scopes = SHAPES[shape]
    principal = await verified(issuer, options, claims)
    assert (principal.subject, principal.oauth_client_id) == (claims.get("sub", SUBJECT), client_id)
    assert principal.token_scopes == scopes


WITH_ONE_CLIENT = {"preset": "cognito", "client_ids": [COGNITO["client_id"]]}


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"client_id": "another"}, WrongApplication),
        ({"client_id": f"{COGNITO['client_id']} "}, WrongApplication),
        ({"client_id": ABSENT}, MissingClaim),
        ({"client_id": None, "azp": COGNITO["client_id"]}, MissingClaim),
        ({"token_use": "id"}, IdToken),
        ({"token_use": ABSENT}, MissingClaim),
        ({"token_use": ""}, MissingClaim),
        ({"token_use": "refresh"}, WrongType),
        ({"token_use": ["access"]}, WrongType),
        ({"aud": "https://elsewhere.example/api"}, WrongAudience),
        ({"aud": COGNITO["client_id"], "token_use": "id"}, IdToken),
        ({"at_hash": "x", "token_use": "access"}, IdToken),
    ],
)
async def test_without_an_audience_exact_applications_and_the_purpose_stand_for_it(
    issuer: Issuer, changed: dict[str, Any], refusal: type[InvalidToken]
) -> None:
    assert await verified(issuer, WITH_ONE_CLIENT, COGNITO)
    with pytest.raises(refusal):
        await verified(issuer, WITH_ONE_CLIENT, {**COGNITO, **changed})


async def test_a_token_without_an_audience_is_good_from_no_other_issuer(issuer: Issuer) -> None:
    for options in (API, {"preset": "okta", **API}, {"client_ids": [COGNITO["client_id"]], **API}):
        with pytest.raises(MissingClaim):
            await verified(issuer, options, COGNITO)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"preset": "cognito"}, 'Name those that may: "client_ids"'),
        ({"preset": "cognito", "audiences": ["x"]}, 'Name those that may: "client_ids"'),
        ({"client_ids": ["x"]}, "needs at least one audience"),
        ({"preset": "gitlab", "audiences": ["x"]}, "one of auth0, cognito, entra, entra-v1, keycloak, okta"),
        ({"claims": {"client_id": "cid"}, "audiences": ["x"]}, "known are .*client_id_claims, client_ids"),
    ],
)
def test_an_issuer_that_would_let_anybody_in_or_is_misspelled_is_refused_in_a_sentence(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(IssuerConfigError, match=said):
        parse_issuer({"issuer": "https://issuer.example/", **options})


# Issuers that are not away, but not as the settings have them

OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"


class Misfits:
    """Issuers with what each should be told of, one of them away."""

    def __init__(self, only_oauth: Issuer, slash_more: Issuer, slash_less: Issuer, other: Issuer, away: Issuer) -> None:
        keys = f"{only_oauth.url}/jwks.json"
        only_oauth.documents |= {OPENID: None, OAUTH: {"issuer": only_oauth.url, "jwks_uri": keys}}
        slash_more.documents[OPENID] = {"issuer": f"{slash_more.url}/", "jwks_uri": f"{slash_more.url}/jwks.json"}
        other.documents[OPENID] = {"issuer": "http://keycloak:8080/realms/team", "jwks_uri": f"{other.url}/jwks.json"}
        away.behaviour = "down"
        self.names = [only_oauth.url, slash_more.url, f"{slash_less.url}/", other.url, away.url]
        self.said = [
            f'{self.names[0]} has no OpenID Connect discovery document, only OAuth metadata.*set "jwks_uri" .*"{keys}"',
            f'{self.names[1]} published .* with a slash more: set the issuer to "{slash_more.url}/"',
            f'{self.names[2]} published .* with a slash less: set the issuer to "{slash_less.url}"',
            f"{self.names[3]} published a discovery document of another issuer, 'http://keycloak:8080/realms/team'",
        ]
        self.said_of_away = f"{away.url} answered 503"
        self.setting = json.dumps([{"issuer": name, "audiences": ["a"]} for name in self.names])


@pytest.fixture(scope="module")
def misfits() -> Iterator[Misfits]:
    with ExitStack() as running:
        yield Misfits(*(running.enter_context(Issuer("RS256")) for _ in range(5)))


def test_settings_that_do_not_fit_the_issuer_are_told_from_an_outage_in_the_log_and_by_check(
    misfits: Misfits, fresh_sqlite: str
) -> None:
    site = ServedSite(fresh_sqlite, TRUSTED_ISSUERS=misfits.setting)
    site.start()
    try:
        for said in misfits.said:
            assert "ERROR" in site.wait_for_line(said)
        assert "WARNING" in site.wait_for_line(misfits.said_of_away)
    finally:
        site.stop()
    checked = site.manage("check")
    assert checked.returncode == 1
    for said in misfits.said:
        assert re.search(rf"\(authz\.E009\) The issuer {said}", checked.stderr)
    assert f"(authz.W009) The issuer {misfits.said_of_away}" in checked.stderr


@pytest.mark.django_db
@pytest.mark.database
def test_settings_that_do_not_fit_the_issuer_are_said_on_the_start_page(
    misfits: Misfits, settings: Settings, admin_client: Browser
) -> None:
    settings.TRUSTED_ISSUERS = misfits.setting
    for keys in verifier()._keys._sets.values():
        keys.refresh().landed.result(WAIT)
    page = html.unescape(text(admin_client.get("/admin/")))
    for said in (*misfits.said, misfits.said_of_away):
        assert re.search(said, page)


# Tools that lack nothing but a token scope


@pytest.fixture(scope="module")
def stepping_up(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSite]:
    """`echo` is listed to those who lack only its scope, but for those named Mallory; `large` is not."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    needs: dict[str, Any] = {"token_scopes": "notes:read", "listed_without_scopes": True}
    with Issuer() as issuer, ServedSite(database_url, issuer) as running:
        rule_for_everybody(database_url, "echo", **needs)
        rule_for_everybody(database_url, "large", token_scopes="notes:read")
        rule_for_everybody(database_url, "note", kind="resource", **needs)
        rule_for_everybody(database_url, "poem", kind="prompt", **needs)
        named_mallory = '[{"path": "claims.name", "operator": "equals", "value": "Mallory"}]'
        rule_for_everybody(database_url, "echo", "deny", conditions=named_mallory)
        yield running
        running.assert_no_traceback()


NEEDS = "Needs the token scope 'notes:read', which your access token lacks."


def described(listed: Sequence[Any]) -> dict[str, str]:
    return {one.name: one.description for one in listed}


@pytest.mark.parametrize("connect", [ServedSite.client, ServedSite.streamable_client])
async def test_a_tool_that_lacks_only_a_token_scope_is_listed_with_what_it_needs_and_a_call_starts_the_step_up(
    stepping_up: ServedSite, connect: Callable[..., Any]
) -> None:
    async with connect(stepping_up, token=stepping_up.token(scope="openid", name="Ada")) as client:
        tools = described((await client.list_tools()).tools)
        assert tools == {"echo": f"{tools['echo'].partition(chr(10))[0]}\n\n{NEEDS}"}
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.description.endswith(NEEDS)
        (prompt,) = (await client.list_prompts()).prompts
        assert prompt.description.endswith(NEEDS)
    async with connect(stepping_up, token=stepping_up.token(scope="openid notes:read", name="Ada")) as client:
        tools = described((await client.list_tools()).tools)
        assert tools.keys() == {"echo", "large"}
        assert NEEDS not in tools["echo"]
    refused = post(stepping_up, modern_call("echo", {"text": "x"}), stepping_up.headers(scope="openid", name="Ada"))
    assert refused.status_code == 403
    assert 'scope="notes:read"' in refused.headers["www-authenticate"]


@pytest.mark.parametrize("claims", [{"name": "Mallory"}, {"name": ["Mallory"]}])
async def test_who_lacks_more_than_a_token_scope_sees_nothing_of_it(
    stepping_up: ServedSite, claims: dict[str, Any]
) -> None:
    async with stepping_up.streamable_client(token=stepping_up.token(scope="openid", **claims)) as client:
        assert (await client.list_tools()).tools == []


async def test_an_open_session_hears_that_a_tool_is_listed_without_its_scope(stepping_up: ServedSite) -> None:
    async with raw_session(stepping_up, scope="openid", name="Ada") as session:
        await session.initialize()
        for listed in (True, False):
            change = "UPDATE authz_app_rule SET listed_without_scopes = ? WHERE tools = 'large'"
            execute(stepping_up.database_url, change, [listed])
            assert (await session.message())["method"] == "notifications/tools/list_changed"
            tools = (await session.request("tools/list"))["result"]["tools"]
            assert {tool["name"] for tool in tools} == ({"echo", "large"} if listed else {"echo"})


# Refreshes at once


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def two_workers(
    request: pytest.FixtureRequest, nginx: None, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BalancedSite]:
    template = request.getfixturevalue(f"migrated_{request.param}")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = copy_sqlite(template, tmp_path_factory.mktemp("site"))
        else:
            url = stack.enter_context(copy_postgresql(template))
        limits = {"REGISTRATIONS_PER_MINUTE": "1000", "SIGN_INS_PER_MINUTE": "1000", "TRUSTED_PROXIES": "127.0.0.1"}
        site = stack.enter_context(balanced_site(2, url, None, REDIS_URL=redis.url, LOCAL_ISSUER="true", **limits))
        add_person(site.workers[0], "dana")
        yield site
        for worker in site.workers:
            worker.assert_no_traceback()


class LoggedIn:
    """An application that logged a person in, and refreshes."""

    def __init__(self, site: BalancedSite) -> None:
        self.site = site
        self.metadata = metadata_of(site.url)
        self.application = register(self.metadata)
        with Person(site.url, "dana") as dana:
            callback = dana.allow(self.application.address(self.metadata, resource=f"{site.url}/mcp"))
        self.tokens: dict[str, Any] = redeem(self.metadata, self.application, callback).json()

    def refresh(self, refresh_token: str, **further: str) -> httpx2.Response:
        body = {"grant_type": "refresh_token", "client_id": self.application.client_id, **further}
        return httpx2.post(self.metadata["token_endpoint"], data={**body, "refresh_token": refresh_token}, timeout=WAIT)

    def refresh_at_once(self, refresh_token: str, times: int) -> list[httpx2.Response]:
        with ThreadPoolExecutor(times) as many:
            return list(many.map(lambda _: self.refresh(refresh_token), range(times)))

    def revoke(self, refresh_token: str) -> None:
        body = {"token": refresh_token, "client_id": self.application.client_id}
        assert httpx2.post(self.metadata["revocation_endpoint"], data=body, timeout=WAIT).status_code == 200

    def let_the_moment_pass(self) -> None:
        """Every spent token was used longer ago than it is good for more."""
        sqlite = self.site.database_url.startswith("sqlite")
        where = "client_id = ? AND data LIKE ?" if sqlite else "client_id = %s AND CAST(data AS text) LIKE %s"
        change = f"UPDATE allauth_idp_oidc_token SET expires_at = '2026-01-01 00:00:00+00:00' WHERE {where}"
        execute(self.site.database_url, change, [self.application.client_id, "%reuses%"])


def test_a_client_that_refreshes_four_times_at_once_is_not_logged_out(two_workers: BalancedSite) -> None:
    client = LoggedIn(two_workers)
    answers = client.refresh_at_once(client.tokens["refresh_token"], 4)
    assert [answer.status_code for answer in answers] == [200] * 4
    pairs = [answer.json() for answer in answers]
    assert len({pair["refresh_token"] for pair in pairs}) == 4
    for pair in pairs:
        claims = jwt.decode(pair["access_token"], options={"verify_signature": False})
        assert claims["aud"] == [f"{two_workers.url}/mcp"]
        assert client.refresh(pair["refresh_token"]).status_code == 200


def test_a_client_that_lost_the_answer_to_its_refresh_asks_again(two_workers: BalancedSite) -> None:
    client = LoggedIn(two_workers)
    for _ in range(3):
        assert client.refresh(client.tokens["refresh_token"]).status_code == 200


def test_a_refresh_token_that_was_used_a_while_ago_is_refused(two_workers: BalancedSite) -> None:
    client = LoggedIn(two_workers)
    newest = client.refresh(client.tokens["refresh_token"]).json()["refresh_token"]
    client.let_the_moment_pass()
    answers = client.refresh_at_once(client.tokens["refresh_token"], 4)
    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(400, "invalid_grant")}
    assert client.refresh(newest).status_code == 200


def test_what_is_revoked_is_gone_with_all_that_came_of_it(two_workers: BalancedSite) -> None:
    client = LoggedIn(two_workers)
    pairs = [answer.json() for answer in client.refresh_at_once(client.tokens["refresh_token"], 4)]
    client.revoke(pairs[0]["refresh_token"])
    for refresh_token in (client.tokens["refresh_token"], *(pair["refresh_token"] for pair in pairs)):
        assert client.refresh(refresh_token).json()["error"] == "invalid_grant"


def test_a_client_that_asks_for_another_resource_than_it_was_granted_is_told_both(two_workers: BalancedSite) -> None:
    client, site = LoggedIn(two_workers), two_workers.url
    for asked in (site, f"{site}/", f"{site}/sse"):
        refused = client.refresh(client.tokens["refresh_token"], resource=asked)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
        told = refused.json()["error_description"]
        assert f"with the resource '{asked}', and what was granted is '{site}/mcp'" in told
    elsewhere = client.refresh(client.tokens["refresh_token"], resource="https://elsewhere.example/\u202emcp")
    assert elsewhere.json()["error"] == "invalid_target"
    told = elsewhere.json()["error_description"]
    assert told.startswith("The resource 'https://elsewhere.example/?mcp' is not of this site. Ask for one of ")
    assert client.refresh(client.tokens["refresh_token"], resource=f"{site}/mcp").status_code == 200


def test_a_client_that_redeems_its_code_for_the_bare_origin_after_it_was_granted_a_path_is_told_both(
    two_workers: BalancedSite,
) -> None:
    site = two_workers.url
    metadata = metadata_of(site)
    application = register(metadata)
    with Person(site, "dana") as dana:
        callback = dana.allow(application.address(metadata, resource=f"{site}/mcp"))
    refused = redeem(metadata, application, callback, resource=f"{site}/")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    told = refused.json()["error_description"]
    assert f"with the resource '{site}/', and what was granted is '{site}/mcp'. Ask for that." in told
