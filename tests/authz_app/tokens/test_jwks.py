"""Fetching an issuer's keys: over real HTTP, from an issuer that answers in every wrong way."""

from collections.abc import Iterator
from typing import Any

import pytest

from authz_app.tokens.jwks import fetch_json, remote_keys
from authz_app.tokens.key_set import KeySetError
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
    with pytest.raises(KeySetError, match="published a discovery document"):
        remote_keys(issuer.trusted(jwks_uri=""))
    assert issuer.fetches == 0


def test_discovery_and_fetch_share_one_time_limit(issuer: Issuer) -> None:
    limits = []

    def fetch(url: str, seconds: float) -> Any:
        limits.append(seconds)
        return issuer.document(url.removeprefix(issuer.url))

    remote_keys(issuer.trusted(jwks_uri=""), 2.0, fetch)
    assert limits[0] == 2.0 > limits[1]


def test_an_error_is_named_by_its_status_however_long_its_page_is() -> None:
    with stub_service(Reply(b"x" * 100_000, status=404)) as service, pytest.raises(KeySetError, match="answered 404"):
        fetch_json(service.url, 2)
