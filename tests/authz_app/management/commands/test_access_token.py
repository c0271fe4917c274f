"""`manage.py access_token` prints a token for a script, or says why there is none."""

from typing import Any

import pytest

from authz_app.embedded_issuer.applications import ensure_service
from authz_app.tokens.signing_key import key_path, public_jwks
from tests.authz_app.management.running import claims_of, refusal, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def test_prints_the_token_alone() -> None:
    ensure_service("demo", ["read", "write"])
    printed = run("access_token", "--scope", "read", "--scope", "write", "--lifetime", "90")
    assert printed.count("\n") == 1
    claims = claims_of(printed.strip())
    assert claims["scope"] == "read write"
    assert claims["exp"] - claims["iat"] == 90
    assert "for demo, good for 90 seconds" in run.stderr  # type: ignore[attr-defined]


def test_is_for_the_named_application() -> None:
    ensure_service("robot", [])
    claims = claims_of(run("access_token", "--client", "robot").strip())
    assert (claims["sub"], claims["client_id"]) == ("robot@clients", "robot")


def test_names_the_applications_that_there_are() -> None:
    assert "There is none yet: manage.py demo makes the first." in refusal("access_token")
    ensure_service("robot", [])
    ensure_service("crawler", [])
    assert "Known are: crawler, robot." in refusal("access_token", "--client", "nobody")


def test_refuses_scopes_that_the_application_may_not_ask_for() -> None:
    ensure_service("demo", ["read"])
    assert "It may ask for read;" in refusal("access_token", "--scope", "admin")


@pytest.mark.parametrize("lifetime", ["0", "-5", "1e3", "x", "31622401", "²"])
def test_refuses_lifetimes_that_are_none(lifetime: str) -> None:
    assert "is not a number of seconds from 1 to" in refusal("access_token", f"--lifetime={lifetime}")


def test_says_that_the_embedded_issuer_is_off(settings: Any) -> None:
    settings.LOCAL_ISSUER = False
    assert "The embedded issuer is off" in refusal("access_token")
    assert not key_path().exists()


def test_says_what_is_wrong_with_the_key() -> None:
    ensure_service("demo", [])
    public_jwks()
    key_path().chmod(0o644)
    assert "http://testserver does not use its key file" in refusal("access_token")
