"""Service applications of the embedded issuer, and the tokens that are made for them in process."""

from typing import Any

import pytest
import requests
from allauth.idp.oidc.models import Client as OAuthApplication
from django.db import connection
from django.test import Client as Browser

from authz_app.embedded_issuer.applications import (
    ApplicationError,
    ensure_service,
    find_service,
    issue_access_token,
)
from tests.authz_app.embedded_issuer.issuing import ask, principal_of, verified

pytestmark = pytest.mark.usefixtures("data_dir")


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


def test_secret_needs_no_encoding(service: tuple[OAuthApplication, str]) -> None:
    assert requests.utils.quote(service[1], safe="") == service[1]


def test_application_without_the_grant_gets_no_token(client: Browser, service: tuple[OAuthApplication, str]) -> None:
    service[0].set_grant_types(["authorization_code"])
    service[0].save()
    assert ask(client, service).json()["error"] == "unauthorized_client"
    with pytest.raises(ApplicationError, match="robot may not use the client_credentials grant"):
        issue_access_token(service[0], [], 60)
    with pytest.raises(ApplicationError, match="robot may not use the client_credentials grant"):
        ensure_service("robot", [])


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
    with pytest.raises(ApplicationError, match="by its id"):
        find_service("twin")


def test_unknown_service_is_answered_with_the_known_ones(service: tuple[OAuthApplication, str]) -> None:
    OAuthApplication.objects.create(name="website", grant_types="authorization_code")
    with pytest.raises(ApplicationError, match=r"no OAuth application website .* Known are: robot\."):
        find_service("website")


def test_no_query_is_needed_to_verify(service: tuple[OAuthApplication, str], django_assert_num_queries: Any) -> None:
    token = issue_access_token(service[0], [], 60)
    with django_assert_num_queries(0, connection=connection):
        principal_of(token)
