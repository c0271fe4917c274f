"""Where programs talk to the embedded issuer, and the errors that they get.

Covers: authz_app.embedded_issuer.urls, authz_app.embedded_issuer.registration
"""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from allauth.idp.oidc.models import Client as OAuthApplication, Token
from django.test import Client as Browser
from django.utils import timezone

from authz_app.embedded_issuer.applications import issue_access_token
from authz_app.tokens.signing_key import IssuerKeyError, key_path, public_jwks
from tests.authz_app.embedded_issuer.issuing import JWKS_URL, METADATA_URLS, TOKEN_URL, ask, verified

pytestmark = pytest.mark.usefixtures("data_dir")


def test_token_endpoint_works_over_a_socket_with_basic_authentication(
    live_server: Any, settings: Any, service: tuple[OAuthApplication, str]
) -> None:
    settings.PUBLIC_URL = live_server.url
    found = requests.get(f"{live_server.url}{METADATA_URLS[0]}", timeout=60).json()
    credentials = (service[0].pk, service[1])
    data = {"grant_type": "client_credentials", "resource": f"{live_server.url}/mcp"}
    answer = requests.post(found["token_endpoint"], data=data, auth=credentials, timeout=60)
    assert verified(answer.json()["access_token"])["aud"] == [f"{live_server.url}/mcp"]
    published = requests.get(found["jwks_uri"], timeout=60).json()["keys"]
    assert [key["kid"] for key in published] == [key["kid"] for key in public_jwks()["keys"]]


def test_wrong_secret_and_unknown_application_get_the_same_refusal(
    client: Browser, service: tuple[OAuthApplication, str]
) -> None:
    wrong, unknown = ask(client, service, client_secret="x"), ask(client, service, client_id="nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json() == {"error": "invalid_client"}


def basic(credentials: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}


@pytest.mark.django_db
@pytest.mark.parametrize("headers", [{}, basic(b"a\0b:c"), basic(b"\xff:c"), basic(b"x"), {"Authorization": "Basic !"}])
@pytest.mark.parametrize("query", ["", "?%zz", "?a", "?grant_type=client_credentials"])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"grant_type=client_credentials&client_id=a%00b&client_secret=x", "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials", "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials&resource=x", "application/x-www-form-urlencoded"),
        (b"grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x", "application/x-www-form-urlencoded"),
        (b"\xff\xfe&&=", "application/x-www-form-urlencoded"),
        (b'{"grant_type": "client_credentials"}', "application/json"),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=y"),
    ],
)
def test_malformed_token_requests_are_the_callers_error(
    client: Browser, body: bytes, content_type: str, query: str, headers: dict[str, str]
) -> None:
    answer = client.post(TOKEN_URL + query, body, content_type=content_type, headers=headers)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"]


@pytest.mark.parametrize("path", ["logout", "api/userinfo", "api/introspect", "", "api/"])
def test_what_nobody_needs_of_allauth_is_not_there(client: Browser, admin_client: Browser, path: str) -> None:
    for browser in (client, admin_client):
        assert browser.get(f"/identity/o/{path}").status_code == 404
        assert browser.post(f"/identity/o/{path}").status_code == 404


@pytest.mark.parametrize("url", [TOKEN_URL, JWKS_URL])
def test_unusable_key_makes_the_issuer_unavailable(
    client: Browser, service: tuple[OAuthApplication, str], url: str, caplog: pytest.LogCaptureFixture
) -> None:
    public_jwks()
    key_path().write_text("garbage")
    answer = ask(client, service) if url == TOKEN_URL else client.get(url)
    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
    assert str(key_path()) not in answer.content.decode()
    assert "http://testserver cannot read its key file" in caplog.text


@pytest.mark.usefixtures("switched_off")
@pytest.mark.parametrize("url", [*METADATA_URLS, JWKS_URL, TOKEN_URL, "/identity/o/authorize"])
def test_switched_off_it_answers_nothing_and_makes_no_key(
    client: Browser, service: tuple[OAuthApplication, str], data_dir: Path, url: str
) -> None:
    assert client.get(url).status_code == 404
    assert ask(client, service).status_code == 404
    with pytest.raises(IssuerKeyError, match="is off"):
        issue_access_token(service[0], [], 60)
    with pytest.raises(IssuerKeyError, match="is off"):
        public_jwks()
    assert not data_dir.exists()


def test_expired_tokens_go_as_others_come(client: Browser, service: tuple[OAuthApplication, str]) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Token.objects.bulk_create(
        Token(type=Token.Type.ACCESS_TOKEN, hash=str(n), client=service[0], expires_at=past) for n in range(30)
    )
    for _ in range(2):
        assert ask(client, service).status_code == 200
    assert Token.objects.count() == 2


@pytest.mark.django_db
def test_applications_that_nobody_used_are_forgotten_after_a_day(client: Browser) -> None:
    old = timezone.now() - timedelta(days=2)
    for name, data in (("unused", {"dcr": True}), ("used", {"dcr": True, "used": True}), ("kept", None)):
        OAuthApplication.objects.create(pk=name, name=name, scopes="", data=data, created_at=old)
    body = {"client_name": "New", "redirect_uris": ["https://app.example/"]}
    assert client.post("/identity/o/api/clients", body, content_type="application/json").status_code == 201
    assert set(OAuthApplication.objects.values_list("name", flat=True)) == {"used", "kept", "New"}
