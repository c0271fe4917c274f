"""How a trusted issuer is read from the settings, and which settings are refused.

Covers: authz_app.issuer_presets
"""

from typing import Any

import pytest

from authz_app.issuers import IssuerConfigError, parse_issuer, parse_issuers

GOOD = {"issuer": "https://issuer.example/", "audiences": ["https://mcp.example.com/mcp"]}


def test_what_is_left_out_has_its_default() -> None:
    issuer = parse_issuer(GOOD)
    assert (issuer.algorithms, issuer.jwks_uri, issuer.new_clients) == (("RS256",), "", "active")
    assert not issuer.embedded


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("https://issuer.example/", "must be an object"),
        ({**GOOD, "issuer": ""}, 'has no "issuer"'),
        ({**GOOD, "audience": "x"}, "unknown option.s. audience"),
        ({"issuer": "i"}, "needs at least one audience"),
        ({**GOOD, "audiences": None}, "must be a list of non-empty strings"),
        ({**GOOD, "audiences": []}, "needs at least one audience"),
        ({"issuer": "i", "client_ids": ["a"]}, "needs at least one audience"),
        ({"issuer": "i", "preset": "cognito"}, "any application of it could call"),
        ({**GOOD, "preset": "cognito"}, "any application of it could call"),
        ({**GOOD, "preset": "cognito", "client_ids": []}, "any application of it could call"),
        ({**GOOD, "preset": "cognito", "client_ids": "a"}, "'client_ids' .* must be a list of non-empty strings"),
        ({**GOOD, "preset": "cognito", "client_ids": [None]}, "'client_ids' .* must be a list of non-empty strings"),
        ({**GOOD, "preset": "Okta"}, "'Okta'; it must be one of auth0, cognito, entra, entra-v1, keycloak, okta"),
        ({**GOOD, "preset": ["okta"]}, "it must be one of"),
        ({**GOOD, "client_id_claims": "cid"}, "'client_id_claims' .* must be a list of non-empty strings"),
        ({**GOOD, "client_id_claims": []}, "'client_id_claims' .* names no claim"),
        ({**GOOD, "issuer": "https://i.example/.well-known/openid-configuration"}, "the address of a document"),
        ({**GOOD, "audiences": [""]}, "must be a list of non-empty strings"),
        ({**GOOD, "algorithms": ["RS256", "HS256"]}, "asymmetric algorithms only .* not HS256"),
        ({**GOOD, "algorithms": ["none"]}, "not none"),
        ({**GOOD, "algorithms": []}, "asymmetric algorithms only"),
        ({**GOOD, "new_clients": "blocked"}, '"active" or "pending"'),
        ({**GOOD, "jwks_uri": ["https://issuer.example/keys"]}, "must be a URL"),
        ({**GOOD, "login_scopes": ["two words"]}, "is no token scope"),
    ],
)
def test_what_cannot_work_or_is_not_safe_is_refused(entry: Any, complaint: str) -> None:
    with pytest.raises(IssuerConfigError, match=complaint):
        parse_issuer(entry)


@pytest.mark.parametrize("entries", [GOOD, "x", None])
def test_the_whole_is_a_list(entries: Any) -> None:
    with pytest.raises(IssuerConfigError, match="must be a JSON list"):
        parse_issuers(entries)


def test_a_preset_says_which_claims_stand_for_what_until_it_is_said_otherwise() -> None:
    assert parse_issuer(GOOD).client_id_claims == ("client_id", "azp")
    entra = parse_issuer({**GOOD, "preset": "entra-v1"})
    assert (entra.client_id_claims, entra.scope_claims) == (("appid",), ("roles",))
    other = parse_issuer({**GOOD, "preset": "entra-v1", "client_id_claims": ["app"], "scope_claims": []})
    assert (other.client_id_claims, other.scope_claims) == (("app",), ())


def test_without_an_audience_exact_client_ids_are_needed() -> None:
    cognito = parse_issuer({"issuer": "i", "preset": "cognito", "client_ids": ["a"]})
    assert (cognito.audiences, cognito.client_ids, cognito.has_audience) == ((), ("a",), False)


def test_no_issuer_stands_there_twice() -> None:
    with pytest.raises(IssuerConfigError, match="more than once"):
        parse_issuers([GOOD, GOOD])


@pytest.mark.parametrize(
    "addresses",
    [
        {"issuer": "https://u:hunter2@i.example/"},
        {"issuer": "https://u:hunter2/@i.example/"},
        {"jwks_uri": "https://u:hunter2@i.example/"},
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(addresses: dict[str, str]) -> None:
    with pytest.raises(IssuerConfigError, match="must have no user and password") as refused:
        parse_issuer({**GOOD, **addresses, "audiences": []})
    assert "hunter2" not in str(refused.value)


def test_an_at_sign_may_stand_in_the_path_of_the_keys() -> None:
    keys = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
    assert parse_issuer({**GOOD, "jwks_uri": keys}).jwks_uri == keys
