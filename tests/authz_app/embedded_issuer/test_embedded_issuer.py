"""The embedded issuer: its key, its documents, and its tokens by way of HTTP and in process."""

import asyncio
import base64
import importlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from allauth.idp.oidc.models import Client as OAuthApplication
from allauth.idp.oidc.models import Token
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import connection
from django.test import Client as Browser
from django.urls import clear_url_caches
from django.utils import timezone

import mcpsite.urls
from authz_app.conf import conf, local_issuer_url, resource_identifiers
from authz_app.embedded_issuer.applications import (
    AmbiguousName,
    ApplicationError,
    NotAService,
    ScopesNotAllowed,
    UnknownApplication,
    ensure_service,
    find_service,
    issue_access_token,
)
from authz_app.policy.principal import Principal
from authz_app.tokens import signing_key as keys
from authz_app.tokens.signing_key import IssuerKeyError, key_path, public_jwks
from authz_app.tokens.verifier import verifier

TOKEN_URL = "/identity/o/api/token"
METADATA_URLS = [
    f"{before}/.well-known/{name}{behind}"
    for name in ("oauth-authorization-server", "openid-configuration")
    for before, behind in (("", ""), ("", "/sse"), ("", "/mcp"), ("/sse", ""), ("/mcp", ""))
]
JWKS_URL = "/.well-known/jwks.json"


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "var"
    return tmp_path / "var"


@pytest.fixture
def service(db: None) -> tuple[OAuthApplication, str]:
    application, secret = ensure_service("robot", ["read", "write"])
    assert secret is not None
    return application, secret


@pytest.fixture
def switched_off(settings: Any) -> Iterator[None]:
    """The site as it is without the embedded issuer."""
    settings.LOCAL_ISSUER = False
    _reload_urls()
    yield
    settings.LOCAL_ISSUER = True
    _reload_urls()


def _reload_urls() -> None:
    importlib.reload(mcpsite.urls)
    clear_url_caches()


def ask(client: Browser, service: tuple[OAuthApplication, str], **parameters: Any) -> Any:
    """The answer of the token endpoint."""
    application, secret = service
    credentials = {"grant_type": "client_credentials", "client_id": application.pk, "client_secret": secret}
    return client.post(TOKEN_URL, {**credentials, **parameters})


def verified(token: str) -> dict[str, Any]:
    """The claims, by PyJWT and the public keys alone."""
    header = jwt.get_unverified_header(token)
    (key,) = [jwt.PyJWK(key) for key in public_jwks()["keys"] if key["kid"] == header["kid"]]
    accepted = conf().resource_identifiers
    required = ["iss", "sub", "aud", "exp", "iat", "client_id"]
    issuer = local_issuer_url(conf().public_url)
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], audience=accepted, issuer=issuer, options={"require": required}
    )
    return claims


def principal_of(token: str) -> Principal:
    """Who this site takes the bearer of the token for."""
    return asyncio.run(verifier().verify(token))


def test_key_is_made_on_first_use_and_private(data_dir: Path) -> None:
    assert not data_dir.exists()
    kid = public_jwks()["keys"][0]["kid"]
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(key_path().stat().st_mode) == 0o600
    assert [path.name for path in data_dir.iterdir()] == ["issuer-key.pem"]
    assert public_jwks()["keys"][0]["kid"] == kid


def test_key_making_closes_a_directory_that_was_open(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o755)
    public_jwks()
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


def test_public_jwks_holds_nothing_private() -> None:
    (key,) = public_jwks()["keys"]
    assert set(key) == {"kty", "key_ops", "n", "e", "kid", "use", "alg"}
    assert key["key_ops"] == ["verify"]
    assert jwt.PyJWK(key).key.key_size >= 2048


def test_processes_that_start_at_once_agree_on_one_key(data_dir: Path) -> None:
    # Each says when it is ready and waits, so that all look for the key in the same moment.
    script = (
        "import sys; from django.conf import settings; settings.DATA_DIR = sys.argv[1]\n"
        "from authz_app.tokens.signing_key import public_jwks\n"
        "print('ready', flush=True); sys.stdin.readline(); print(public_jwks()['keys'][0]['kid'])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", script, str(data_dir)]
    processes = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    key_ids = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert key_ids == {public_jwks()["keys"][0]["kid"]}
    assert [path.name for path in data_dir.iterdir()] == ["issuer-key.pem"]


def test_key_that_others_can_read_is_refused() -> None:
    public_jwks()
    key_path().chmod(0o640)
    with pytest.raises(IssuerKeyError, match="others can read: run chmod 600"):
        public_jwks()
    key_path().chmod(0o600)
    assert public_jwks()["keys"]


def pem(key: Any) -> bytes:
    written: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return written


def test_replaced_key_is_noticed(service: tuple[OAuthApplication, str]) -> None:
    before = issue_access_token(service[0], [], 60)
    replacement = key_path().with_name("new")
    replacement.touch(mode=0o600)
    replacement.write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    os.replace(replacement, key_path())
    after = issue_access_token(service[0], [], 60)
    assert verified(after)
    assert jwt.get_unverified_header(before)["kid"] not in {key["kid"] for key in public_jwks()["keys"]}


def test_unusable_key_files_are_named_and_never_replaced(data_dir: Path) -> None:
    data_dir.mkdir()
    unusable = {
        b"": "holds no unencrypted RSA private key",
        b"\xff\x00": "holds no unencrypted RSA private key",
        b"-----BEGIN PRIVATE KEY-----\ngarbage\n-----END PRIVATE KEY-----\n": "holds no unencrypted RSA private key",
        pem(ec.generate_private_key(ec.SECP256R1())): "holds no unencrypted RSA private key",
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)): "1024 bits are too few",
    }
    key_path().touch(mode=0o600)
    for content, complaint in unusable.items():
        key_path().write_bytes(content)
        with pytest.raises(IssuerKeyError, match=complaint):
            public_jwks()
        assert key_path().read_bytes() == content


def test_place_that_cannot_be_written_is_a_sentence(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.DATA_DIR = tmp_path / "file"
    with pytest.raises(IssuerKeyError, match=r"cannot use its key file .*issuer-key\.pem: "):
        public_jwks()


def test_token_has_what_the_resource_server_requires(client: Browser, service: tuple[OAuthApplication, str]) -> None:
    answer = ask(client, service, scope="read write").json()
    claims = verified(answer["access_token"])
    assert jwt.get_unverified_header(answer["access_token"])["alg"] == "RS256"
    assert claims["iss"] == "http://testserver"
    assert claims["aud"] == "http://testserver/sse"
    assert claims["sub"] == "robot@clients"
    assert claims["client_id"] == "robot"
    assert claims["scope"] == "read write"
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 3600


def test_this_site_accepts_its_own_tokens_as_a_service(client: Browser, service: tuple[OAuthApplication, str]) -> None:
    principal = principal_of(ask(client, service, scope="read").json()["access_token"])
    assert principal.owner == ("http://testserver", "robot@clients", "robot")
    assert principal.token_scopes == {"read"}
    assert principal.is_service
    assert principal.display_name == "robot"


def test_token_made_in_process_has_the_claims_of_the_token_endpoint(
    client: Browser, service: tuple[OAuthApplication, str]
) -> None:
    own = {"iat", "exp", "jti"}
    by_http = verified(ask(client, service, scope="read").json()["access_token"])
    in_process = verified(issue_access_token(service[0], ["read"], 60))
    assert in_process.keys() == by_http.keys()
    assert {(k, v) for k, v in in_process.items() if k not in own} == {
        (k, v) for k, v in by_http.items() if k not in own
    }
    assert in_process["exp"] - in_process["iat"] == 60


def test_token_endpoint_works_over_a_socket_with_basic_authentication(
    live_server: Any, settings: Any, service: tuple[OAuthApplication, str]
) -> None:
    settings.PUBLIC_URL = live_server.url
    found = requests.get(f"{live_server.url}{METADATA_URLS[0]}", timeout=10).json()
    credentials = (service[0].pk, service[1])
    data = {"grant_type": "client_credentials", "resource": f"{live_server.url}/mcp"}
    answer = requests.post(found["token_endpoint"], data=data, auth=credentials, timeout=10)
    assert verified(answer.json()["access_token"])["aud"] == [f"{live_server.url}/mcp"]
    published = requests.get(found["jwks_uri"], timeout=10).json()["keys"]
    assert [key["kid"] for key in published] == [key["kid"] for key in public_jwks()["keys"]]


def test_secret_needs_no_encoding(service: tuple[OAuthApplication, str]) -> None:
    assert requests.utils.quote(service[1], safe="") == service[1]


def test_subject_of_a_service_is_never_that_of_a_user(client: Browser, django_user_model: Any, db: None) -> None:
    user = django_user_model.objects.create_user("eve")
    application, secret = ensure_service(str(user.pk), [])
    assert secret is not None
    assert verified(ask(client, (application, secret)).json()["access_token"])["sub"] == f"{user.pk}@clients"


def test_scopes_that_the_application_may_not_ask_for_are_refused(
    client: Browser, service: tuple[OAuthApplication, str]
) -> None:
    answer = ask(client, service, scope="read admin")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    with pytest.raises(ScopesNotAllowed, match="may not ask for the token scope.s. admin"):
        issue_access_token(service[0], ["read", "admin"], 60)


def test_scopes_are_whatever_an_administrator_sets(client: Browser, service: tuple[OAuthApplication, str]) -> None:
    application, _ = service
    application.set_scopes(["https://example.com/scope", "tools:call"])
    application.save()
    claims = verified(ask(client, service, scope="tools:call https://example.com/scope").json()["access_token"])
    assert claims["scope"] == "tools:call https://example.com/scope"


def test_default_scopes_are_given_where_none_is_asked_for(
    client: Browser, service: tuple[OAuthApplication, str]
) -> None:
    assert "scope" not in verified(ask(client, service).json()["access_token"])
    service[0].set_default_scopes(["write"])
    service[0].save()
    assert verified(ask(client, service).json()["access_token"])["scope"] == "write"
    assert verified(issue_access_token(service[0], [], 60))["scope"] == "write"


@pytest.mark.parametrize("resource", resource_identifiers("http://testserver"))
def test_resources_of_this_site_become_the_audience(
    client: Browser, service: tuple[OAuthApplication, str], resource: str
) -> None:
    token = ask(client, service, resource=resource).json()["access_token"]
    assert verified(token)["aud"] == [resource]
    assert principal_of(token)


@pytest.mark.parametrize("resource", ["urn:tools", "https://old.example", "https://old.example/"])
def test_further_resources_are_this_site_s_where_the_settings_name_them(
    client: Browser, service: tuple[OAuthApplication, str], settings: Any, resource: str
) -> None:
    assert ask(client, service, resource=resource).status_code == 400
    settings.RESOURCE_IDENTIFIERS = ["urn:tools", "https://old.example"]
    token = ask(client, service, resource=resource).json()["access_token"]
    assert verified(token)["aud"] == [resource]
    assert principal_of(token)


@pytest.mark.parametrize(
    "resource",
    [
        "https://elsewhere.example/sse",
        "http://testserver/sse/",
        "http://testserver/x",
        "http://testserver.example/sse",
    ]
    + ["not-a-url", "http://testserver/../sse", "http://testserver/sse#fragment", "http://[", ""],
)
def test_other_resources_are_refused(client: Browser, service: tuple[OAuthApplication, str], resource: str) -> None:
    answer = ask(client, service, resource=resource)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")
    assert ask(client, service, resource=["http://testserver/sse", resource]).status_code == 400


def test_wrong_secret_and_unknown_application_get_the_same_refusal(
    client: Browser, service: tuple[OAuthApplication, str]
) -> None:
    wrong, unknown = ask(client, service, client_secret="x"), ask(client, service, client_id="nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json() == {"error": "invalid_client"}


def test_application_without_the_grant_gets_no_token(client: Browser, service: tuple[OAuthApplication, str]) -> None:
    service[0].set_grant_types(["authorization_code"])
    service[0].save()
    assert ask(client, service).json()["error"] == "unauthorized_client"
    with pytest.raises(NotAService):
        issue_access_token(service[0], [], 60)
    with pytest.raises(NotAService):
        ensure_service("robot", [])


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


@pytest.mark.parametrize("url", METADATA_URLS)
@pytest.mark.parametrize("host", ["evil.example", "testserver:8443"])
def test_metadata_never_follows_the_host_header(client: Browser, settings: Any, url: str, host: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    plain = client.get(url)
    poisoned = client.get(
        url, headers={"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": "https", "Forwarded": f"host={host}"}
    )
    assert poisoned.status_code == 200
    assert poisoned.json() == plain.json()
    urls = [value for value in plain.json().values() if isinstance(value, str)]
    assert urls
    assert all(value == "http://testserver" or value.startswith("http://testserver/") for value in urls)


def test_token_never_follows_the_host_header(
    client: Browser, settings: Any, service: tuple[OAuthApplication, str]
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    data = {"grant_type": "client_credentials", "client_id": "robot", "client_secret": service[1]}
    token = client.post(TOKEN_URL, data, headers={"Host": "evil.example"}).json()["access_token"]
    assert "evil" not in str(verified(token))


@pytest.mark.django_db
@pytest.mark.parametrize("url", METADATA_URLS)
def test_metadata_says_what_works_now(client: Browser, url: str) -> None:
    found = client.get(url).json()
    assert found["issuer"] == local_issuer_url("http://testserver")
    assert found["token_endpoint"] == f"http://testserver{TOKEN_URL}"
    assert found["jwks_uri"] == f"http://testserver{JWKS_URL}"
    assert found["response_types_supported"] == ["code"]
    assert "client_credentials" in found["grant_types_supported"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["client_id_metadata_document_supported"] is True
    assert found["token_endpoint_auth_methods_supported"] == ["none", "client_secret_basic", "client_secret_post"]
    assert "scopes_supported" not in found
    endpoints = {name for name in found if name.endswith("_endpoint")}
    assert endpoints == {
        f"{name}_endpoint" for name in ("authorization", "device_authorization", "registration", "revocation", "token")
    }
    assert all(client.post(found[name]).status_code != 404 for name in endpoints)


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


@pytest.mark.usefixtures("switched_off")
def test_switched_off_its_old_tokens_are_refused(settings: Any, service: tuple[OAuthApplication, str]) -> None:
    settings.LOCAL_ISSUER = True
    token = issue_access_token(service[0], [], 60)
    settings.LOCAL_ISSUER = False
    with pytest.raises(Exception, match="is not trusted here"):
        principal_of(token)


def test_ensure_service_leaves_an_existing_application_alone(service: tuple[OAuthApplication, str]) -> None:
    application, secret = ensure_service("robot", ["everything"])
    assert secret is None
    assert application.get_scopes() == ["read", "write"]
    assert application.check_secret(service[1])


@pytest.mark.parametrize("name", ["", "a b", "a:b", "https://x.example/y", "-x", "a" * 101, "a\n"])
def test_ensure_service_refuses_what_cannot_be_an_oauth_client_id(db: None, name: str) -> None:
    with pytest.raises(ApplicationError, match="cannot be an OAuth client ID"):
        ensure_service(name, [])


def test_find_service_goes_by_id_before_name(service: tuple[OAuthApplication, str]) -> None:
    namesake = OAuthApplication.objects.create(name="robot", grant_types="client_credentials")
    assert find_service("robot") == service[0]
    assert find_service(namesake.pk) == namesake
    OAuthApplication.objects.create(name="twin", grant_types="client_credentials")
    OAuthApplication.objects.create(name="twin", grant_types="client_credentials")
    with pytest.raises(AmbiguousName, match="by its id"):
        find_service("twin")


def test_unknown_service_is_answered_with_the_known_ones(service: tuple[OAuthApplication, str]) -> None:
    OAuthApplication.objects.create(name="website", grant_types="authorization_code")
    with pytest.raises(UnknownApplication, match=r"no OAuth application website .* Known are: robot\."):
        find_service("website")


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


def test_tokens_and_keys_are_not_in_the_representation_of_the_key() -> None:
    assert "PRIVATE" not in repr(keys.signing_key())


def test_no_query_is_needed_to_verify(service: tuple[OAuthApplication, str], django_assert_num_queries: Any) -> None:
    token = issue_access_token(service[0], [], 60)
    with django_assert_num_queries(0, connection=connection):
        principal_of(token)
