"""Issuers whose certificates are signed by a CA of the team's own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import Documents
from tests.issuer import private_key, public_jwk
from tests.site import Site

NAMES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documents]:
    with Documents(tmp_path_factory.mktemp("issuer")) as running:
        found = {"issuer": running.url, "jwks_uri": f"{running.url}/jwks.json"}
        jwk = public_jwk(private_key("RS256"), "RS256")
        for path, document in (("/.well-known/openid-configuration", found), ("/jwks.json", {"keys": [jwk]})):
            running.answers[path] = (200, {"Content-Type": "application/json"}, json.dumps(document).encode())
        yield running


@pytest.fixture
def site(fresh_sqlite: str, documents: Documents) -> Site:
    made = Site(fresh_sqlite, TRUSTED_ISSUERS=json.dumps([{"issuer": documents.url, "audiences": ["a"]}]))
    for name in NAMES:
        made.environment.pop(name, None)
    return made


def test_a_certificate_of_an_unknown_ca_is_told_from_an_outage_with_what_to_set(site: Site) -> None:
    said = "has a certificate at .* that is not trusted .* set REQUESTS_CA_BUNDLE to the CA's file"
    with site:
        assert "ERROR" in site.wait_for_line(said)
    checked = site.manage("check")
    assert checked.returncode == 1
    assert "(authz.E009)" in checked.stderr
    assert "REQUESTS_CA_BUNDLE" in checked.stderr
    assert "could not be reached" not in checked.stderr


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_ca_that_is_named_is_trusted(site: Site, documents: Documents, name: str) -> None:
    site.environment[name] = documents.environment["REQUESTS_CA_BUNDLE"]
    checked = site.manage("check")
    assert checked.returncode == 0, checked.stderr
    assert documents.url not in checked.stderr


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_ca_s_file_that_is_missing_stops_the_start_in_a_sentence(site: Site, tmp_path: Path, name: str) -> None:
    site.environment[name] = str(tmp_path / "missing.pem")
    checked = site.manage("check")
    assert checked.returncode == 1
    assert f"The setting {name} must name a file that can be read" in checked.stderr
    assert "Traceback" not in checked.stderr
