"""What the embedded issuer says of itself, and what stands in its tokens."""

from typing import Any

import jwt
import pytest
from allauth.idp.oidc.models import Client as OAuthApplication
from django.test import Client as Browser

from authz_app.conf import local_issuer_url, resource_identifiers
from authz_app.embedded_issuer.applications import ApplicationError, ensure_service, issue_access_token
from tests.authz_app.embedded_issuer.issuing import JWKS_URL, METADATA_URLS, TOKEN_URL, ask, principal_of, verified

pytestmark = pytest.mark.usefixtures("data_dir")


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
    with pytest.raises(ApplicationError, match="may not ask for the token scope.s. admin"):
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
        "http://testserver/sse//",
        "http://testserver/x",
        "http://testserver.example/sse",
    ]
    + ["not-a-url", "http://testserver/../sse", "http://testserver/sse#fragment", "http://[", ""],
)
def test_other_resources_are_refused(client: Browser, service: tuple[OAuthApplication, str], resource: str) -> None:
    answer = ask(client, service, resource=resource)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")
    assert ask(client, service, resource=["http://testserver/sse", resource]).status_code == 400


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
