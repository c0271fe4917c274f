"""Which keys of a JWK Set verify signatures, and which of them a token can mean."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from jwt.algorithms import get_default_algorithms

from authz_app.tokens import key_set
from authz_app.tokens.key_set import MAX_KEYS, MAX_TRIED, KeySetError, parse_key_set
from tests.issuer import private_key, public_jwk

# On a busy machine an example may take any time; what counts is how it ends.
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


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


def test_members_that_are_null_or_empty_say_nothing() -> None:
    nulls = dict.fromkeys(("use", "kid", "alg", "crv", "d", "k", "p", "x", "x5c"))
    assert usable({**nulls, **without(RSA, "use", "kid"), "key_ops": [], "oth": [], "x5u": ""}) == 1


@pytest.mark.parametrize(
    "jwk",
    [
        {**RSA, "use": "enc"},
        {**RSA, "key_ops": ["encrypt"]},
        {**RSA, "key_ops": "verify"},
        {**RSA, "k": "c2VjcmV0"},
        {**RSA, "p": "AQAB"},
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


@pytest.mark.parametrize(
    "document", [None, [], {}, {"keys": []}, {"keys": [{}]}, {"keys": None}, {"keys": {}}, {"keys": "key"}, RSA]
)
def test_what_is_no_key_set_or_has_no_usable_key_is_refused(document: Any) -> None:
    with pytest.raises(KeySetError):
        parse_key_set(document)


def test_a_set_without_a_key_for_what_its_issuer_signs_with_is_refused() -> None:
    with pytest.raises(KeySetError, match="no key to verify ES256 or ES384 with, among 1 "):
        parse_key_set({"keys": [RSA]}, ("ES384", "ES256"))


def test_a_token_without_key_id_may_mean_each_key_that_fits() -> None:
    other = public_jwk(private_key("RS256", 1), "RS256", kid="b")
    elliptic = public_jwk(private_key("ES256"), "ES256", kid="c")
    fitting = parse_key_set({"keys": [RSA, elliptic, other]}).fitting(None, "RS256")
    assert [key.key_id for key in fitting] == ["a", "b"]


def test_a_key_id_means_the_keys_that_have_it_and_then_those_without_any() -> None:
    other = public_jwk(private_key("RS256", 1), "RS256")
    keys = parse_key_set({"keys": [other, {**RSA, "kid": "b"}, RSA, {**RSA, "n": other["n"]}]})
    assert [key.key_id for key in keys.fitting("a", "RS256")] == ["a", "a", None]


def test_no_token_can_mean_more_than_a_bounded_number_of_keys() -> None:
    keys = parse_key_set({"keys": [RSA] * (MAX_KEYS + 1)})
    assert len(keys.keys) == MAX_KEYS
    assert len(keys.fitting("a", "RS256")) == MAX_TRIED


def test_a_key_serves_only_the_algorithm_that_it_names() -> None:
    keys = parse_key_set({"keys": [{**RSA, "alg": "RS256"}]})
    assert keys.fitting("a", "RS256")
    assert keys.fitting("a", "RS512") == ()
    assert keys.fitting("a", "PS256") == ()


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "EdDSA", "HS256", "none", "RSA", ""])
def test_a_key_serves_no_algorithm_of_another_family(algorithm: str) -> None:
    assert parse_key_set({"keys": [RSA]}).fitting("a", algorithm) == ()


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
    for key in parse_key_set({"keys": [RSA, {**good, **changed}, changed]}).keys:
        assert hash(key.key_id) is not None
        assert key.family in key_set._READERS
