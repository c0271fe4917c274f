"""A person logs in with an application by way of the embedded issuer, over real sockets, and calls a tool."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from tests.conftest import copy_sqlite
from tests.databases import rows, rule_for_everybody
from tests.person import CALLBACK, Person, add_person, log_in, metadata_of, redeem, register
from tests.site import Site


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    running = Site(url, LOCAL_ISSUER="true", REGISTRATIONS_PER_MINUTE="1000", SIGN_INS_PER_MINUTE="1000")
    with running:
        rule_for_everybody(running.database_url, "*")
        add_person(running, "dana", first_name="Dana", last_name="Whitfield")
        yield running
        running.assert_no_traceback()
        assert "eyJ" not in running.log


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def refresh(metadata: dict[str, Any], client_id: str, token: str, **fields: str) -> httpx2.Response:
    body = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id, **fields}
    return httpx2.post(metadata["token_endpoint"], data=body, timeout=20)


async def test_a_login_ends_in_calls_that_are_recorded_under_the_person_s_name(site: Site) -> None:
    metadata = metadata_of(site.url)
    application = register(metadata, client_name="Claude Code")
    with Person(site.url, "dana") as dana:
        callback = dana.allow(application.address(metadata, scope="openid email profile", resource=f"{site.url}/sse"))
    assert callback.startswith(f"{CALLBACK}?")
    assert httpx2.URL(callback).params["iss"] == metadata["issuer"]
    tokens = redeem(metadata, application, callback).json()
    async with site.client(token=tokens["access_token"]) as client:
        await client.call_tool("echo", {"text": "hello"})
    again = refresh(metadata, application.client_id, tokens["refresh_token"]).json()
    async with site.client(token=again["access_token"]) as client:
        await client.call_tool("echo", {"text": "hello"})
    claims = claims_of(again["access_token"])
    assert claims["aud"] == [f"{site.url}/sse"]
    found = rows(
        site.database_url,
        "SELECT client_name, subject, oauth_client_id, decision FROM authz_app_callrecord WHERE oauth_client_id = ?",
        [application.client_id],
    )
    assert found == [("Dana Whitfield", claims["sub"], application.client_id, "allowed")] * 2


def test_what_log_in_hands_out_is_good_for_a_call(site: Site) -> None:
    tokens = log_in(site.url, "dana")
    assert tokens["token_type"] == "Bearer"
    with httpx2.stream(
        "GET", f"{site.url}/sse", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    ) as answer:
        assert answer.status_code == 200
