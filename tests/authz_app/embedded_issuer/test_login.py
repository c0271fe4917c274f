"""A person logs in with an application by way of the embedded issuer, over real sockets, and calls a tool.

Covers: authz_app.embedded_issuer.accounts, authz_app.embedded_issuer.authorization_request,
    authz_app.embedded_issuer.consent, authz_app.embedded_issuer.device, authz_app.embedded_issuer.grant_rules,
    authz_app.embedded_issuer.scopes, authz_app.embedded_issuer.subjects
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from tests.conftest import copy_sqlite
from tests.databases import execute, rows, rule_for_everybody
from tests.person import CALLBACK, Application, Person, add_person, log_in, metadata_of, redeem, register
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
    return httpx2.post(metadata["token_endpoint"], data=body, timeout=60)


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


@pytest.fixture(scope="module")
def metadata(site: Site) -> dict[str, Any]:
    return metadata_of(site.url)


@pytest.fixture(scope="module")
def dana(site: Site) -> Iterator[Person]:
    with Person(site.url, "dana") as person:
        person.sign_in()
        yield person


def manage_application(site: Site, **fields: str) -> None:
    """Make an OAuth application as an administrator would; its secret is `secret`."""
    making = f"a = OAuthApplication(**{fields!r}); a.set_secret('secret'); a.save()"
    done = site.manage("shell", "-c", f"from allauth.idp.oidc.models import Client as OAuthApplication; {making}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", ["basic", "post"])
def test_a_registered_application_logs_a_person_in(
    site: Site, metadata: dict[str, Any], dana: Person, how: str
) -> None:
    grants = "authorization_code\nrefresh_token"
    manage_application(site, id=f"desk-{how}", name="Desk", redirect_uris=CALLBACK, grant_types=grants, scopes="orders")
    application = Application(f"desk-{how}")
    address = application.address(metadata, scope="orders invoices")
    page = dana.browser.get(address).text
    assert "nobody has checked" not in page
    assert "<code>orders</code>" in page
    assert "invoices" in page.split("It also asked for")[1]
    body = {
        "grant_type": "authorization_code",
        "code": application.code(dana.allow(address)),
        "redirect_uri": CALLBACK,
        "code_verifier": application.verifier,
    }
    if how == "basic":
        answer = httpx2.post(metadata["token_endpoint"], data=body, auth=(application.client_id, "secret"))
    else:
        credentials = {"client_id": application.client_id, "client_secret": "secret"}
        answer = httpx2.post(metadata["token_endpoint"], data=body | credentials)
    assert answer.status_code == 200, answer.text
    assert claims_of(answer.json()["access_token"])["scope"] == "orders"
    wrong = httpx2.post(metadata["token_endpoint"], data=body, auth=(application.client_id, "wrong"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")


def begin_on_device(metadata: dict[str, Any], application: Application, **fields: str) -> dict[str, Any]:
    body = {"client_id": application.client_id, **fields}
    answer = httpx2.post(metadata["device_authorization_endpoint"], data=body, timeout=60)
    assert answer.status_code == 200, answer.text
    begun: dict[str, Any] = answer.json()
    return begun


def poll(metadata: dict[str, Any], application: Application, begun: dict[str, Any], **fields: str) -> httpx2.Response:
    body = {"grant_type": DEVICE, "device_code": begun["device_code"], "client_id": application.client_id, **fields}
    return httpx2.post(metadata["token_endpoint"], data=body, timeout=60)


DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def device(metadata: dict[str, Any]) -> Application:
    return register(metadata, client_name="Thermostat", grant_types=[DEVICE, "authorization_code", "refresh_token"])


def test_a_device_without_a_browser_is_let_in(
    site: Site, metadata: dict[str, Any], dana: Person, device: Application
) -> None:
    begun = begin_on_device(metadata, device, scope="openid", resource=f"{site.url}/mcp")
    assert begun["verification_uri"] == f"{site.url}/device"
    typed = begun["user_code"].lower().replace("-", " ")
    page = dana.open(f"/device?code={typed}")
    assert "Thermostat" in page.text
    done = dana.submit(page, action="allow")
    assert "The device is connected" in done.text
    answer = poll(metadata, device, begun, scope="admin")
    claims = claims_of(answer.json()["access_token"])
    assert (claims["name"], claims["aud"], claims["scope"]) == ("Dana Whitfield", [f"{site.url}/mcp"], "openid")
    assert poll(metadata, device, begun).json()["error"] == "invalid_grant"
    assert refresh(metadata, device.client_id, answer.json()["refresh_token"]).status_code == 200


def test_a_device_waits_until_it_is_answered(metadata: dict[str, Any], device: Application) -> None:
    begun = begin_on_device(metadata, device)
    assert poll(metadata, device, begun).json()["error"] == "authorization_pending"
    assert poll(metadata, device, begun).json()["error"] == "slow_down"


def test_a_device_that_is_turned_away_gets_nothing(metadata: dict[str, Any], dana: Person, device: Application) -> None:
    begun = begin_on_device(metadata, device)
    done = dana.submit(dana.open(f"/device?code={begun['user_code']}"), action="deny")
    assert "The device was turned away" in done.text
    assert poll(metadata, device, begun).json()["error"] == "access_denied"


def test_another_site_cannot_let_a_device_in(metadata: dict[str, Any], dana: Person, device: Application) -> None:
    begun = begin_on_device(metadata, device)
    assert dana.browser.post(f"/device?code={begun['user_code']}", data={"action": "allow"}).status_code == 403
    assert poll(metadata, device, begun).json()["error"] == "authorization_pending"


def test_an_application_that_did_not_register_for_devices_gets_no_code(metadata: dict[str, Any]) -> None:
    answer = httpx2.post(metadata["device_authorization_endpoint"], data={"client_id": register(metadata).client_id})
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def rule_naming(site: Site, username: str, scope: str, tools: str) -> None:
    """An allow rule that names the person and asks for a token scope."""
    script = (
        "from authz_app.models import Rule, User; from authz_app.embedded_issuer.subjects import client_of;"
        f"r = Rule.objects.create(tools={tools!r}, token_scopes={scope!r});"
        f"r.clients.add(client_of(User.objects.get(username={username!r})))"
    )
    done = site.manage("shell", "-c", script)
    assert done.returncode == 0, done.stderr


async def test_a_person_grants_the_token_scope_that_a_rule_asks_of_them(site: Site, metadata: dict[str, Any]) -> None:
    add_person(site, "eve")
    async with site.client(token=log_in(site.url, "eve")["access_token"]) as client:
        await client.call_tool("echo", {"text": "first sight"})
    rule_naming(site, "eve", "time:read", "TimeTool")
    assert claims_of(log_in(site.url, "eve", scope="time:read")["access_token"])["scope"] == "time:read"
    # What is asked of somebody else, or of everybody, is no one's to grant to an application of their own.
    assert "scope" not in claims_of(log_in(site.url, "dana", scope="time:read")["access_token"])


async def test_what_was_taken_back_is_gone_with_the_next_refresh(site: Site, metadata: dict[str, Any]) -> None:
    add_person(site, "finn")
    async with site.client(token=log_in(site.url, "finn")["access_token"]) as client:
        await client.call_tool("echo", {"text": "first sight"})
    rule_naming(site, "finn", "brew", "TimeTool")
    tokens = log_in(site.url, "finn", scope="brew")
    client_id = claims_of(tokens["access_token"])["client_id"]
    execute(site.database_url, "UPDATE authz_app_rule SET enabled = false WHERE token_scopes = 'brew'")
    answer = refresh(metadata, client_id, tokens["refresh_token"])
    assert answer.status_code == 200, answer.text
    assert "scope" not in claims_of(answer.json()["access_token"])


def test_a_refresh_token_that_was_given_back_is_no_good(metadata: dict[str, Any], site: Site) -> None:
    tokens = log_in(site.url, "dana")
    client_id = claims_of(tokens["access_token"])["client_id"]
    stranger = {"token": tokens["refresh_token"], "client_id": register(metadata).client_id}
    assert httpx2.post(metadata["revocation_endpoint"], data=stranger).status_code == 200
    again = refresh(metadata, client_id, tokens["refresh_token"]).json()
    owner = {"token": again["refresh_token"], "client_id": client_id}
    assert httpx2.post(metadata["revocation_endpoint"], data=owner).status_code == 200
    assert refresh(metadata, client_id, again["refresh_token"]).json()["error"] == "invalid_grant"


def test_pages_of_other_origins_may_talk_to_the_endpoints_of_programs(metadata: dict[str, Any]) -> None:
    """The Inspector in a browser does."""
    origin = {"Origin": "http://localhost:6274"}
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for name in ("token_endpoint", "registration_endpoint", "revocation_endpoint"):
        assert httpx2.options(metadata[name], headers=asked).headers["access-control-allow-origin"] == "*"
        assert httpx2.post(metadata[name], headers=origin).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in httpx2.get(metadata["authorization_endpoint"], headers=origin).headers


def test_registering_and_signing_in_are_limited(migrated_sqlite: Path, tmp_path: Path) -> None:
    limits = {"REGISTRATIONS_PER_MINUTE": "3", "SIGN_INS_PER_MINUTE": "3"}
    with Site(copy_sqlite(migrated_sqlite, tmp_path), LOCAL_ISSUER="true", **limits) as site:
        add_person(site, "dana")
        metadata = metadata_of(site.url)
        for _ in range(3):
            register(metadata)
        body = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
        assert httpx2.post(metadata["registration_endpoint"], json=body).status_code == 429
        with Person(site.url, "dana", "wrong") as guesser:
            for _ in range(3):
                assert "not correct" in guesser.sign_in().text
        # The address has had its attempts, so the right password does not help either.
        with Person(site.url, "dana") as dana:
            assert "Too many" in dana.sign_in().text
        site.assert_no_traceback()
