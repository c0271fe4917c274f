"""Fetching an issuer's keys: over real HTTP, from an issuer that answers in every wrong way.

Covers: authz_app.tokens.discovery
"""

from collections.abc import Iterator
from typing import Any

import pytest

from authz_app.tokens.discovery import NoDocument
from authz_app.tokens.jwks import fetch_json, remote_keys
from authz_app.tokens.key_set import IssuerMisfit, KeySetError
from tests.issuer import Behaviour, Issuer
from tests.tools_app.stub_service import Reply, stub_service


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer("EdDSA") as issuer:
        yield issuer


@pytest.mark.parametrize("behaviour", ["dripping", "dripping-headers"])
def test_a_dripping_answer_is_cut(issuer: Issuer, behaviour: Behaviour) -> None:
    issuer.behaviour = behaviour
    # It drips for as long as the test lasts, so whoever returns has cut it.
    with pytest.raises(KeySetError):
        fetch_json(f"{issuer.url}/jwks.json", 0.3)
    assert not issuer.released.is_set()


def test_a_redirect_is_not_followed(issuer: Issuer) -> None:
    issuer.behaviour = "redirect"
    with pytest.raises(KeySetError, match="302"):
        fetch_json(f"{issuer.url}/jwks.json", 2)
    assert fetch_json(f"{issuer.url}/elsewhere.json", 2) == issuer.jwks()


def test_more_than_the_limit_is_not_read(issuer: Issuer) -> None:
    issuer.behaviour = "huge"
    with pytest.raises(KeySetError, match="more than 524288 bytes"):
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
    with pytest.raises(IssuerMisfit, match="published a discovery document"):
        remote_keys(issuer.trusted(jwks_uri=""))
    assert issuer.fetches == 0


OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"


def misfit(issuer: Issuer, name: str = "") -> str:
    with pytest.raises(IssuerMisfit) as refused:
        remote_keys(issuer.trusted(jwks_uri="", issuer=name or issuer.url))
    return str(refused.value)


@pytest.mark.parametrize("place", [f"{OAUTH}/oauth2/a", f"/oauth2/a{OAUTH}"])
def test_an_issuer_with_oauth_metadata_alone_is_told_from_one_that_is_away(issuer: Issuer, place: str) -> None:
    name = f"{issuer.url}/oauth2/a"
    issuer.documents[place] = {"issuer": name, "jwks_uri": "https://issuer.example/keys"}
    assert 'set "jwks_uri" of this issuer to "https://issuer.example/keys"' in misfit(issuer, name)
    del issuer.documents[place]["jwks_uri"]
    assert "names no key set" in misfit(issuer, name)
    issuer.documents[place] = {"issuer": f"{name}/", "jwks_uri": "https://issuer.example/keys"}
    assert f'with a slash more: set the issuer to "{name}/"' in misfit(issuer, name)


@pytest.mark.parametrize("document", [{"jwks_uri": "https://x/"}, ["a"], "a", 1, {"issuer": ["https://x/"]}])
def test_oauth_metadata_of_nobody_is_no_help(issuer: Issuer, document: Any) -> None:
    issuer.documents = {OPENID: None, OAUTH: document}
    assert "where its discovery document should be. Check the issuer, or set" in misfit(issuer)


def test_what_a_document_says_of_itself_is_repeated_in_bounds(issuer: Issuer) -> None:
    issuer.documents[OPENID] = {"issuer": "https://x/\n\x1b[31m" * 10_000}
    said = misfit(issuer)
    assert said.isprintable()
    assert len(said) < 400


@pytest.mark.parametrize("behaviour", ["down", "slow", "dripping"])
def test_an_issuer_that_is_away_is_no_misfit(issuer: Issuer, behaviour: Behaviour) -> None:
    issuer.behaviour = behaviour
    with pytest.raises(KeySetError) as refused:
        remote_keys(issuer.trusted(jwks_uri=""), 0.2)
    assert not isinstance(refused.value, IssuerMisfit)


def test_discovery_and_fetch_share_one_time_limit(issuer: Issuer) -> None:
    limits = []

    def fetch(url: str, seconds: float) -> Any:
        limits.append(seconds)
        return issuer.document(url.removeprefix(issuer.url))

    remote_keys(issuer.trusted(jwks_uri=""), 2.0, fetch)
    assert limits[0] == 2.0 > limits[1]


def test_an_error_is_named_by_its_status_however_long_its_page_is() -> None:
    with stub_service(Reply(b"x" * 1_000_000, status=404)) as service, pytest.raises(NoDocument, match="answered 404"):
        fetch_json(service.url, 2)
