"""Attacks on access tokens, and the real issuers' tokens that must get past the same checks.

Covers: authz_app.tokens.claim_limits, authz_app.tokens.claims
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings, strategies as st

from authz_app.issuers import TrustedIssuer
from authz_app.policy.principal import Principal
from authz_app.tokens import errors
from authz_app.tokens.access_token import MAX_TOKEN_LENGTH, inspect, verify
from authz_app.tokens.claims import MAX_TIME
from authz_app.tokens.key_set import VerificationKey, parse_key_set
from tests.issuer import ABSENT, AUDIENCE, Issuer, base64url, encode, private_key, public_jwk
from tests.operations import at_most_calls

NOW = 1_800_000_000
# On a busy machine an example may take any time; what counts is how it ends.
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LEEWAY = 30


class Clocked(Issuer):
    """An issuer that is never served, and whose clock stands at NOW."""

    def claims(self, sub: Any = "auth0|alice", now: float | None = NOW, **claims: Any) -> dict[str, Any]:
        return super().claims(sub, now, **claims)


def unserved(algorithm: str) -> Iterator[Clocked]:
    issuer = Clocked(algorithm)
    yield issuer
    issuer._server.server_close()


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    yield from unserved("RS256")


@pytest.fixture(scope="module")
def ed25519_issuer() -> Iterator[Issuer]:
    """Signs a hundred times faster, for tests with many tokens."""
    yield from unserved("EdDSA")


def key_of(issuer: Issuer) -> VerificationKey:
    (key,) = parse_key_set(issuer.jwks()).keys
    return key


def accept(issuer: Issuer, token: str, trusted: TrustedIssuer | None = None, now: float = NOW) -> Principal:
    return verify(inspect(token), trusted or issuer.trusted(), [key_of(issuer)], now, LEEWAY)


def refusal(issuer: Issuer, token: str, now: float = NOW) -> errors.InvalidToken:
    with pytest.raises(errors.InvalidToken) as refused:
        accept(issuer, token, now=now)
    return refused.value


# The good token


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_a_good_token_makes_its_principal(algorithm: str) -> None:
    for issuer in unserved(algorithm):
        principal = accept(issuer, issuer.token(sub="auth0|alice", scope="read write", azp="app-1"))
        assert principal == Principal(
            issuer.url, "auth0|alice", "app-1", frozenset({"read", "write"}), NOW + 3600, issuer.claims(azp="app-1")
        )


def test_verified_claims_cannot_be_changed(issuer: Issuer) -> None:
    with pytest.raises(TypeError):
        accept(issuer, issuer.token()).claims["sub"] = "somebody else"  # type: ignore[index]  # that is the point


AUTH0 = {"sub": "abc123@clients", "gty": "client-credentials", "azp": "abc123", "permissions": ["read:x"], "scope": "s"}
KEYCLOAK = {
    "typ": "Bearer",
    "azp": "cli",
    "nonce": "n",
    "acr": "1",
    "scope": "openid profile",
    "aud": [AUDIENCE, "account"],
}
ENTRA = {
    "azp": "f00",
    "oid": "1",
    "scp": "access_as_user",
    "tid": "2",
    "uti": "3",
    "ver": "2.0",
    "nbf": NOW,
    "scope": ABSENT,
}
ALLAUTH = {
    "client_id": "app",
    "jti": "1",
    "token_use": "access",
    "aud": [f"{AUDIENCE}/", AUDIENCE],
    "scope": "a",
    "azp": ABSENT,
}
RFC9068 = {"client_id": "s6BhdRkqt3", "jti": "1", "auth_time": NOW, "roles": ["x"], "amr": ["pwd"]}


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        (AUTH0, {}),
        (KEYCLOAK, {}),
        (ENTRA, {"x5t": "abc", "nonce": "in the header of tokens for Graph"}),
        (ALLAUTH, {}),
        (RFC9068, {"typ": "at+jwt"}),
        (RFC9068, {"typ": "application/at+JWT"}),
        ({}, {"typ": ABSENT}),
    ],
    ids=["auth0", "keycloak", "entra", "allauth", "rfc9068", "rfc9068-media-type", "untyped"],
)
def test_access_tokens_as_real_issuers_make_them_are_accepted(
    issuer: Issuer, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    assert accept(issuer, issuer.sign(issuer.claims(**claims), issuer.header(**header))).issuer == issuer.url


# Signatures and algorithms


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_algorithm_none_is_refused(issuer: Issuer, algorithm: str, signature: str) -> None:
    token = f"{encode(issuer.header(alg=algorithm))}.{encode(issuer.claims())}.{signature}"
    assert isinstance(refusal(issuer, token), errors.WrongAlgorithm)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_hmac_with_the_public_key_as_secret_is_refused(issuer: Issuer, algorithm: str) -> None:
    signed = f"{encode(issuer.header(alg=algorithm))}.{encode(issuer.claims())}"
    pem = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = hmac.new(pem, signed.encode(), f"sha{algorithm[2:]}").digest()
    assert isinstance(refusal(issuer, f"{signed}.{base64url(mac)}"), errors.WrongAlgorithm)


def test_hmac_is_refused_even_if_an_issuer_were_configured_with_it(issuer: Issuer) -> None:
    signed = f"{encode(issuer.header(alg='HS256'))}.{encode(issuer.claims())}"
    token = f"{signed}.{base64url(hmac.digest(b'secret', signed.encode(), hashlib.sha256))}"
    with pytest.raises(errors.WrongAlgorithm):
        accept(issuer, token, issuer.trusted(algorithms=("HS256", "RS256")))


def test_an_algorithm_outside_the_issuers_list_is_refused(issuer: Issuer) -> None:
    with pytest.raises(errors.WrongAlgorithm) as refused:
        accept(issuer, issuer.token(), issuer.trusted(algorithms=("ES256", "PS256")))
    assert refused.value.accepted == ("ES256", "PS256")


def test_a_key_of_another_type_than_the_algorithm_is_refused(issuer: Issuer) -> None:
    token = issuer.sign(issuer.claims(), issuer.header(alg="ES256"))
    with pytest.raises(errors.WrongAlgorithm):
        accept(issuer, token, issuer.trusted(algorithms=("ES256", "RS256")))


def test_a_key_bound_to_another_algorithm_is_refused(issuer: Issuer) -> None:
    token = issuer.sign(issuer.claims(), issuer.header(alg="PS256"))
    with pytest.raises(errors.WrongAlgorithm):
        accept(issuer, token, issuer.trusted(algorithms=("PS256", "RS256")))


def test_a_token_signed_by_another_key_is_refused(issuer: Issuer) -> None:
    token = issuer.sign(issuer.claims(), key=private_key("RS256", 99))
    assert isinstance(refusal(issuer, token), errors.BadSignature)


def test_a_changed_payload_is_refused(issuer: Issuer) -> None:
    header, _, signature = issuer.token().split(".")
    forged = f"{header}.{encode(issuer.claims(sub='auth0|admin'))}.{signature}"
    assert isinstance(refusal(issuer, forged), errors.BadSignature)


def test_a_changed_header_is_refused(issuer: Issuer) -> None:
    _, payload, signature = issuer.token().split(".")
    forged = f"{encode(issuer.header(typ='at+jwt'))}.{payload}.{signature}"
    assert isinstance(refusal(issuer, forged), errors.BadSignature)


@pytest.mark.parametrize("signature", ["", "AA", "AAAA" * 100, "AB"])
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_signature_of_the_wrong_length_is_refused(algorithm: str, signature: str) -> None:
    for issuer in unserved(algorithm):
        token = f"{issuer.token().rpartition('.')[0]}.{signature}"
        assert isinstance(refusal(issuer, token), errors.BadSignature | errors.MalformedToken)


def test_ecdsa_with_zeroes_for_a_signature_is_refused() -> None:
    """CVE-2022-21449, the psychic signature."""
    for issuer in unserved("ES256"):
        token = f"{issuer.token().rpartition('.')[0]}.{base64url(bytes(64))}"
        assert isinstance(refusal(issuer, token), errors.BadSignature)


def test_verification_takes_no_issuer_but_the_tokens_own(issuer: Issuer) -> None:
    with pytest.raises(errors.UnknownIssuer):
        accept(issuer, issuer.token(), issuer.trusted(issuer="https://other.example.com/"))


# The header


def jwk_of(issuer: Issuer) -> dict[str, Any]:
    return public_jwk(private_key("RS256", 99), "RS256", kid=issuer.key_id)


@pytest.mark.parametrize("parameter", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_token_brings_along_is_never_used(issuer: Issuer, parameter: str) -> None:
    brought: dict[str, Any] = {
        "jwk": jwk_of(issuer),
        "jku": "https://attacker.example.com/jwks.json",
        "x5u": "https://attacker.example.com/cert.pem",
        "x5c": [base64.b64encode(b"certificate").decode()],
    }
    header = issuer.header(**{parameter: brought[parameter]})
    token = issuer.sign(issuer.claims(), header, key=private_key("RS256", 99))
    assert isinstance(refusal(issuer, token), errors.BadSignature)


@pytest.mark.parametrize(
    "key_id", [1, None, True, ["key-0"], {"kid": "key-0"}, "k" * 256, "key\x000", "a\nb", "\ud800"]
)
def test_a_key_id_that_is_no_short_printable_string_is_refused(issuer: Issuer, key_id: Any) -> None:
    token = issuer.sign(issuer.claims(), issuer.header(kid=key_id))
    assert isinstance(refusal(issuer, token), errors.MalformedToken)


@pytest.mark.parametrize("key_id", ["../../../../dev/null", "key-0' OR '1'='1", "| cat /etc/passwd", "http://evil/"])
def test_a_key_id_is_only_ever_compared(issuer: Issuer, key_id: str) -> None:
    unverified = inspect(issuer.sign(issuer.claims(), issuer.header(kid=key_id)))
    assert unverified.key_id == key_id
    assert parse_key_set(issuer.jwks()).fitting(key_id, "RS256") == ()


@pytest.mark.parametrize(
    "parameters",
    [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"crit": None}, {"crit": ["b64"], "b64": True}, {"b64": False}],
)
def test_critical_extensions_are_refused(issuer: Issuer, parameters: dict[str, Any]) -> None:
    token = issuer.sign(issuer.claims(), issuer.header(**parameters))
    assert isinstance(refusal(issuer, token), errors.MalformedToken)


@pytest.mark.parametrize("algorithm", [ABSENT, None, 256, ["RS256"], {"RS256": True}, True])
def test_an_algorithm_that_is_no_string_is_refused(issuer: Issuer, algorithm: Any) -> None:
    token = issuer.sign(issuer.claims(), issuer.header(alg=algorithm))
    assert isinstance(refusal(issuer, token), errors.MalformedToken)


# The form


@pytest.mark.parametrize("token", ["", "opaque", "a.b", "a.b.c.d", "gho_16C7e42F292c6912E7710c838347Ae178B4a"])
def test_an_opaque_token_is_refused_with_help_for_users_of_auth0(issuer: Issuer, token: str) -> None:
    refused = refusal(issuer, token)
    assert isinstance(refused, errors.OpaqueToken)
    assert "If Auth0 returned an opaque token: request it with an audience." in str(refused)


def test_the_encrypted_token_that_auth0_returns_without_an_audience_is_refused_as_opaque(issuer: Issuer) -> None:
    header = encode({"alg": "dir", "enc": "A256GCM", "iss": "https://tenant.auth0.com/"})
    assert isinstance(refusal(issuer, f"{header}..aaaa.bbbb.cccc"), errors.OpaqueToken)


@pytest.mark.parametrize(
    "token", ["..", "a.b.c", "!.!.!", "e30=.e30=.AAAA", "é.é.é", "\ud800.a.b", " .\n.\x00", "e30.e30.A"]
)
def test_three_parts_of_anything_are_refused(issuer: Issuer, token: str) -> None:
    assert isinstance(refusal(issuer, token), errors.MalformedToken | errors.MissingClaim)


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("spelling", ["{}=", "{}==", "{}!", " {}", "{}\n", "=={}"])
def test_each_part_of_a_token_has_one_spelling_only(ed25519_issuer: Issuer, part: int, spelling: str) -> None:
    parts = ed25519_issuer.token().split(".")
    parts[part] = spelling.format(parts[part])
    assert isinstance(refusal(ed25519_issuer, ".".join(parts)), errors.MalformedToken)


def test_spare_bits_of_a_signature_must_be_zero(ed25519_issuer: Issuer) -> None:
    token = ed25519_issuer.token()  # 64 bytes in 86 characters leave the last one 4 bits
    assert isinstance(refusal(ed25519_issuer, token[:-1] + chr(ord(token[-1]) + 1)), errors.MalformedToken)


def test_only_the_alphabet_for_urls_is_read(issuer: Issuer) -> None:
    token = issuer.sign(issuer.claims(), issuer.header(kid="???>>>"))
    parts = token.split(".")
    assert "_" in parts[0] or "-" in parts[0]
    parts[0] = parts[0].replace("_", "/").replace("-", "+")
    assert isinstance(refusal(issuer, ".".join(parts)), errors.MalformedToken)


def test_a_token_above_the_limit_is_refused_unread(issuer: Issuer) -> None:
    refused = refusal(issuer, "." * (MAX_TOKEN_LENGTH + 1))
    assert isinstance(refused, errors.TokenTooLarge)


def test_a_token_just_below_the_limit_is_accepted(issuer: Issuer) -> None:
    token = issuer.token(permissions=["x" * 100] * 110)
    assert MAX_TOKEN_LENGTH - 2_000 < len(token) <= MAX_TOKEN_LENGTH
    assert accept(issuer, token)


@pytest.mark.parametrize(
    "payload",
    [
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b"true",
        b"",
        b"{",
        b"{}x",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"[" * 5_000,
        b"{" * 500,
    ],
)
def test_a_payload_that_is_no_json_object_is_refused(issuer: Issuer, payload: bytes) -> None:
    assert isinstance(refusal(issuer, issuer.sign(payload)), errors.MalformedToken)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_a_payload_in_another_encoding_than_utf8_is_refused(issuer: Issuer, encoding: str) -> None:
    payload = json.dumps(issuer.claims()).encode(encoding)
    assert isinstance(refusal(issuer, issuer.sign(payload)), errors.MalformedToken)


def test_a_header_in_utf16_is_refused(issuer: Issuer) -> None:
    token = issuer.sign(issuer.claims(), json.dumps(issuer.header()).encode("utf-16"))
    assert isinstance(refusal(issuer, token), errors.MalformedToken)


def test_doubled_names_in_the_payload_are_refused(issuer: Issuer) -> None:
    payload = json.dumps(issuer.claims())[:-1].encode() + b', "sub": "auth0|admin"}'
    assert isinstance(refusal(issuer, issuer.sign(payload)), errors.MalformedToken)


def test_doubled_names_deep_in_the_payload_are_refused(issuer: Issuer) -> None:
    payload = json.dumps(issuer.claims())[:-1].encode() + b', "x": [{"a": 1, "\\u0061": 2}]}'
    assert isinstance(refusal(issuer, issuer.sign(payload)), errors.MalformedToken)


def test_doubled_names_in_the_header_are_refused(issuer: Issuer) -> None:
    header = b'{"alg": "none", "alg": "RS256", "kid": "key-0"}'
    assert isinstance(refusal(issuer, issuer.sign(issuer.claims(), header)), errors.MalformedToken)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\udfff\ud800"])
@pytest.mark.parametrize("place", ["value", "name", "nested value", "nested name", "in a list"])
def test_what_no_database_stores_as_text_is_refused_anywhere(issuer: Issuer, text: str, place: str) -> None:
    extra: dict[str, Any] = {
        "value": {"name": text},
        "name": {text: 1},
        "nested value": {"a": {"b": [{"c": text}]}},
        "nested name": {"a": [{text: {}}]},
        "in a list": {"a": ["", [text]]},
    }
    assert isinstance(refusal(issuer, issuer.sign(issuer.claims(**extra[place]))), errors.MalformedToken)


def test_a_whole_surrogate_pair_is_text(issuer: Issuer) -> None:
    assert accept(issuer, issuer.token(name="\N{GRINNING FACE}")).claims["name"] == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400, "-" + "9" * 5_000, "1e30"]
)
@pytest.mark.parametrize("claim", ["exp", "nbf", "iat", "custom"])
def test_numbers_without_bounds_are_refused(issuer: Issuer, number: str, claim: str) -> None:
    payload = json.dumps(issuer.claims(**{claim: ABSENT}))[:-1] + f', "{claim}": {number}}}'
    assert isinstance(refusal(issuer, issuer.sign(payload.encode())), errors.MalformedToken | errors.BadClaim)


def test_what_is_not_json_is_refused_in_the_header_too(issuer: Issuer) -> None:
    header = json.dumps(issuer.header(x=float("nan"))).encode()
    assert isinstance(refusal(issuer, issuer.sign(issuer.claims(), header)), errors.MalformedToken)


def test_over_deep_nesting_is_refused(issuer: Issuer) -> None:
    nested: Any = 1
    for _ in range(20):
        nested = {"a": [nested]}
    assert isinstance(refusal(issuer, issuer.token(custom=nested)), errors.MalformedToken)


# Claims


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp"])
def test_a_required_claim_that_is_missing_is_named(issuer: Issuer, claim: str) -> None:
    for value in (ABSENT, None, "", [], [None, ""]):
        refused = refusal(issuer, issuer.sign(issuer.claims(**{claim: value})))
        assert isinstance(refused, errors.MissingClaim)
        assert refused.claim == claim


ODD_TEXTS = [1, True, ["a"], {"a": 1}, "a\tb", "a\nb", "a\x7fb", "a\x85b", "\u202ea", "\u2028", "a" * 256]


@pytest.mark.parametrize("claim", ["iss", "sub", "client_id", "azp"])
@pytest.mark.parametrize("value", ODD_TEXTS)
def test_a_name_that_is_no_short_printable_string_is_refused(issuer: Issuer, claim: str, value: Any) -> None:
    refused = refusal(issuer, issuer.sign(issuer.claims(**{claim: value})))
    assert isinstance(refused, errors.BadClaim)
    assert refused.claim == claim


@pytest.mark.parametrize(
    "issuer_claim", ["https://tenant.auth0.com", "HTTPS://TENANT.AUTH0.COM/", "https://tenant.auth0.com//"]
)
def test_issuers_are_compared_exactly(issuer: Issuer, issuer_claim: str) -> None:
    token = issuer.token(iss=issuer_claim)
    with pytest.raises(errors.UnknownIssuer):
        accept(issuer, token, issuer.trusted(issuer="https://tenant.auth0.com/"))


@pytest.mark.parametrize(
    "audience", ["https://other.example.com", f"{AUDIENCE}/", AUDIENCE.upper(), ["a", "b"], [None, "a"]]
)
def test_a_token_for_another_audience_is_refused(issuer: Issuer, audience: Any) -> None:
    refused = refusal(issuer, issuer.token(aud=audience))
    assert isinstance(refused, errors.WrongAudience)
    assert refused.accepted == (AUDIENCE,)
    assert AUDIENCE in str(refused)


@pytest.mark.parametrize("audience", [1, True, {}, {AUDIENCE: 1}, [AUDIENCE, 1], [[AUDIENCE]]])
def test_an_odd_audience_is_refused(issuer: Issuer, audience: Any) -> None:
    assert isinstance(refusal(issuer, issuer.token(aud=audience)), errors.BadClaim)


def test_each_of_several_audiences_is_accepted(issuer: Issuer) -> None:
    trusted = issuer.trusted(audiences=("https://a", "https://b"))
    for audience in ("https://a", "https://b", ["https://c", "https://b"]):
        assert accept(issuer, issuer.token(aud=audience), trusted)


def test_a_token_is_good_until_its_expiry_and_the_leeway_have_passed(issuer: Issuer) -> None:
    token = issuer.token(exp=NOW)
    assert accept(issuer, token, now=NOW + LEEWAY - 0.001).expires_at == NOW
    refused = refusal(issuer, token, now=NOW + LEEWAY)
    assert isinstance(refused, errors.Expired)
    assert refused.expired_at == NOW


ODD_TIMES: list[Any] = [
    -1,
    -0.5,
    True,
    False,
    str(NOW),
    f"{NOW}.0",
    [NOW],
    {},
    MAX_TIME + 1,
    NOW * 1000,
    2**63,
]


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ODD_TIMES)
def test_an_odd_time_is_refused(issuer: Issuer, claim: str, value: Any) -> None:
    refused = refusal(issuer, issuer.token(**{claim: value}))
    assert isinstance(refused, errors.BadClaim | errors.MalformedToken)


def test_fractions_of_seconds_are_times(issuer: Issuer) -> None:
    assert accept(issuer, issuer.token(exp=NOW + 10.5, nbf=NOW - 0.5, iat=NOW - 0.5)).expires_at == NOW + 10


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_from_the_future_is_refused_beyond_the_leeway(issuer: Issuer, claim: str) -> None:
    assert accept(issuer, issuer.token(**{claim: NOW + LEEWAY}))
    refused = refusal(issuer, issuer.token(**{claim: NOW + LEEWAY + 1}))
    assert isinstance(refused, errors.NotYetValid)
    assert refused.claim == claim


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "n", "scope": ABSENT},
        {"at_hash": "h"},
        {"c_hash": "h"},
        {"s_hash": "h"},
        {"typ": "ID"},
        {"token_use": "id"},
    ],
)
def test_an_id_token_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    assert isinstance(refusal(issuer, issuer.token(**claims)), errors.IdToken)


@pytest.mark.parametrize("type_", ["Refresh", "Offline", "Logout", 1, "\ud83d"])
def test_another_token_of_keycloak_is_refused(issuer: Issuer, type_: Any) -> None:
    assert isinstance(refusal(issuer, issuer.token(typ=type_)), errors.WrongType | errors.MalformedToken)


@pytest.mark.parametrize("type_", ["logout+jwt", "dpop+jwt", "secevent+jwt", "JWE", "at+jwt2"])
def test_a_jwt_of_another_declared_type_is_refused(issuer: Issuer, type_: str) -> None:
    token = issuer.sign(issuer.claims(), issuer.header(typ=type_))
    assert isinstance(refusal(issuer, token), errors.WrongType)


def test_a_logout_token_is_refused(issuer: Issuer) -> None:
    events: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert isinstance(refusal(issuer, issuer.token(events=events)), errors.WrongType)


@pytest.mark.parametrize("confirmation", [{"jkt": "x"}, {"x5t#S256": "x"}, {}, "x"])
def test_a_sender_constrained_token_is_refused(issuer: Issuer, confirmation: Any) -> None:
    assert isinstance(refusal(issuer, issuer.token(cnf=confirmation)), errors.SenderConstrained)


# What the principal is made of


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"scope": "a b"}, {"a", "b"}),
        ({"scope": " a  b "}, {"a", "b"}),
        ({"scope": ""}, set()),
        ({"scope": ABSENT}, set()),
        ({"scope": ["a", "b c"]}, {"a", "b c"}),
        ({"scope": "a", "scp": "b c"}, {"a", "b", "c"}),
        ({"scope": ABSENT, "scp": ["a", "b"]}, {"a", "b"}),
        ({"scope": "a", "permissions": ["b"]}, {"a", "b"}),
        ({"scope": "a", "permissions": "b c"}, {"a", "b", "c"}),
        ({"scope": "a", "roles": ["admin"]}, {"a"}),
    ],
)
def test_token_scopes_come_from_scope_and_scp_and_the_issuers_own_claims(
    issuer: Issuer, claims: dict[str, Any], expected: set[str]
) -> None:
    principal = accept(issuer, issuer.token(**claims), issuer.trusted(scope_claims=("permissions",)))
    assert principal.token_scopes == expected


@pytest.mark.parametrize("claim", ["scope", "scp", "permissions"])
@pytest.mark.parametrize("value", [1, True, {"a": 1}, ["a", 1], [["a"]], [{}]])
def test_odd_token_scopes_are_refused_rather_than_dropped(issuer: Issuer, claim: str, value: Any) -> None:
    """A deny rule may ask for a token scope; one that was dropped could not be denied."""
    with pytest.raises(errors.BadClaim):
        accept(issuer, issuer.token(**{claim: value}), issuer.trusted(scope_claims=("permissions",)))


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"azp": "a"}, "a"),
        ({"client_id": "c", "azp": ABSENT}, "c"),
        ({"client_id": "c", "azp": "a"}, "c"),
        ({"azp": ABSENT}, ""),
    ],
)
def test_the_oauth_client_id_is_client_id_or_azp(issuer: Issuer, claims: dict[str, Any], expected: str) -> None:
    assert accept(issuer, issuer.token(**claims)).oauth_client_id == expected


# Anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=12,
)
NAMES = ("sub", "aud", "exp", "nbf", "iat", "scope", "scp", "azp", "client_id", "typ", "nonce", "events")
CLAIMS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, JSON))
PARAMETERS = st.fixed_dictionaries({}, optional=dict.fromkeys(("alg", "kid", "typ", "crit", "b64", "x5c"), JSON))


def accepted_or_refused(issuer: Issuer, token: str) -> None:
    try:
        principal = verify(inspect(token), issuer.trusted(), [key_of(issuer)], NOW, LEEWAY)
    except errors.AuthenticationError as error:
        assert str(error) == errors.quotable(str(error))
        assert len(str(error)) < 600
    else:
        json.dumps(dict(principal.claims), allow_nan=False, ensure_ascii=False).encode("utf-8")


@FUZZ
@given(token=st.text(st.characters()) | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_text_is_refused(ed25519_issuer: Issuer, token: str) -> None:
    with pytest.raises(errors.InvalidToken):
        accept(ed25519_issuer, token)


@FUZZ
@given(header=st.binary(max_size=64), payload=st.binary(max_size=64))
def test_any_signed_bytes_are_refused(ed25519_issuer: Issuer, header: bytes, payload: bytes) -> None:
    with pytest.raises(errors.InvalidToken):
        accept(ed25519_issuer, ed25519_issuer.sign(payload, header))


@FUZZ
@given(header=JSON | PARAMETERS, payload=JSON | CLAIMS)
def test_any_signed_json_is_accepted_or_refused_and_nothing_else(
    ed25519_issuer: Issuer, header: Any, payload: Any
) -> None:
    whole = isinstance(header, dict) and isinstance(payload, dict)
    good_header, good_claims = (ed25519_issuer.header(), ed25519_issuer.claims()) if whole else ({}, {})
    data = [
        json.dumps({**good, **odd} if whole else odd).encode()
        for good, odd in ((good_header, header), (good_claims, payload))
    ]
    accepted_or_refused(ed25519_issuer, ed25519_issuer.sign(data[1], data[0]))


@FUZZ
@given(claims=CLAIMS, extra=JSON)
def test_any_claims_beside_good_ones_are_accepted_or_refused_and_nothing_else(
    ed25519_issuer: Issuer, claims: dict[str, Any], extra: Any
) -> None:
    accepted_or_refused(ed25519_issuer, ed25519_issuer.token(**claims, extra=extra))


def test_a_bomb_of_a_payload_is_refused_with_little_work(ed25519_issuer: Issuer) -> None:
    for bomb in (b"[" * 12_000, b'{"a":' * 2_400, b"[0," * 4_000, b"9" * 12_000):
        token = ed25519_issuer.sign(bomb)
        with at_most_calls(1_000):
            refusal(ed25519_issuer, token)
