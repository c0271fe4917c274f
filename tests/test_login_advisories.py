"""Attacks on logging in: on the authorization endpoint, the consent page, the token endpoint and registration.

Over real sockets, on both databases. None may get further than its answer, make a 500 or a traceback, or show a token
or a code in the log.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from authz_app.embedded_issuer.refresh_tokens import MOST_REUSES
from tests.conftest import copy_postgresql, copy_sqlite
from tests.databases import execute, rows
from tests.person import CALLBACK, PASSWORD, Application, Person, add_person, metadata_of, redeem, register
from tests.site import Site

MULTIPART = "multipart/form-data"
FORM = "application/x-www-form-urlencoded"
AUTHORIZE = "/identity/o/authorize"
WAIT = 60.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    template = request.getfixturevalue(f"migrated_{request.param}")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = copy_sqlite(template, tmp_path_factory.mktemp("site"))
        else:
            url = stack.enter_context(copy_postgresql(template))
        limits = {"REGISTRATIONS_PER_MINUTE": "10000", "SIGN_INS_PER_MINUTE": "10000"}
        with Site(url, LOCAL_ISSUER="true", **limits) as running:
            add_person(running, "dana", first_name="Dana")
            add_person(running, "mallory")
            yield running
            running.assert_no_traceback()
            assert "eyJ" not in running.log
            assert "code=" not in running.log


@pytest.fixture(scope="module")
def metadata(site: Site) -> dict[str, Any]:
    return metadata_of(site.url)


@pytest.fixture
def application(metadata: dict[str, Any]) -> Application:
    return register(metadata)


@pytest.fixture(scope="module")
def asking(metadata: dict[str, Any]) -> Application:
    """An application for attacks that only ask, and change nothing."""
    return register(metadata)


@pytest.fixture(scope="module")
def dana(site: Site) -> Iterator[Person]:
    with Person(site.url, "dana") as person:
        person.sign_in()
        yield person


def told(location: str) -> dict[str, str]:
    """The answer to the application, by way of the browser."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def post(url: str, body: dict[str, Any], **options: Any) -> httpx2.Response:
    return httpx2.post(url, data=body, timeout=WAIT, **options)


# Codes


def test_a_code_is_good_once(metadata: dict[str, Any], application: Application, dana: Person) -> None:
    callback = dana.allow(application.address(metadata))
    first = redeem(metadata, application, callback)
    assert first.status_code == 200
    second = redeem(metadata, application, callback)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    # Either of the two was a thief, so what the first got is taken back (RFC 6749 section 4.1.2).
    body = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
    refreshed = post(metadata["token_endpoint"], {**body, "client_id": application.client_id})
    assert (refreshed.status_code, refreshed.json()["error"]) == (400, "invalid_grant")


def test_a_code_that_many_redeem_at_once_is_good_once(
    metadata: dict[str, Any], application: Application, dana: Person
) -> None:
    callback = dana.allow(application.address(metadata))
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: redeem(metadata, application, callback).status_code, range(8)))
    assert sorted(answers) == [200] + [400] * 7


def test_a_refresh_token_is_good_for_a_bounded_number_of_pairs_and_for_none_after_a_moment(
    site: Site, metadata: dict[str, Any], application: Application, dana: Person
) -> None:
    tokens = redeem(metadata, application, dana.allow(application.address(metadata))).json()
    body = {"grant_type": "refresh_token", "client_id": application.client_id, **tokens}

    def refresh(_: int) -> int:
        return post(metadata["token_endpoint"], body).status_code

    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(refresh, range(MOST_REUSES + 8)))
    assert sorted(answers) == [200] * (1 + MOST_REUSES) + [400] * 7
    mark = "?" if site.database_url.startswith("sqlite") else "%s"
    # Whatever clock the database has, the moment is over.
    which = f"client_id = {mark} AND CAST(data AS text) LIKE {mark}"
    over = f"UPDATE allauth_idp_oidc_token SET expires_at = {mark} WHERE {which}"
    execute(site.database_url, over, ["2026-01-01 00:00:00+00:00", application.client_id, "%reuses%"])
    assert refresh(0) == 400


def test_a_spent_refresh_token_is_of_no_use_to_another_application(
    metadata: dict[str, Any], application: Application, dana: Person
) -> None:
    tokens = redeem(metadata, application, dana.allow(application.address(metadata))).json()
    body = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert post(metadata["token_endpoint"], {**body, "client_id": application.client_id}).status_code == 200
    stolen = post(metadata["token_endpoint"], {**body, "client_id": register(metadata).client_id})
    assert stolen.json()["error"] == "invalid_grant"


def test_a_code_that_is_used_again_takes_back_what_its_refreshes_got(
    metadata: dict[str, Any], application: Application, dana: Person
) -> None:
    callback = dana.allow(application.address(metadata))
    body = {"grant_type": "refresh_token", "client_id": application.client_id}
    tokens = redeem(metadata, application, callback).json()
    for _ in range(2):
        tokens = post(metadata["token_endpoint"], {**body, "refresh_token": tokens["refresh_token"]}).json()
    assert redeem(metadata, application, callback).status_code == 400
    again = post(metadata["token_endpoint"], {**body, "refresh_token": tokens["refresh_token"]})
    assert again.json()["error"] == "invalid_grant"


def test_a_code_is_of_no_use_to_another_application(
    metadata: dict[str, Any], application: Application, dana: Person
) -> None:
    callback = dana.allow(application.address(metadata))
    thief = register(metadata)
    answer = redeem(metadata, application, callback, client_id=thief.client_id)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("verifier", ["", "x" * 43, "wrong"])
def test_a_code_is_of_no_use_without_its_verifier(
    metadata: dict[str, Any], application: Application, dana: Person, verifier: str
) -> None:
    callback = dana.allow(application.address(metadata))
    assert redeem(metadata, application, callback, code_verifier=verifier).status_code == 400


def test_a_code_is_of_no_use_for_another_redirect_uri(metadata: dict[str, Any], dana: Person) -> None:
    other = "http://127.0.0.1:7777/other"
    application = register(metadata, redirect_uris=[CALLBACK, other])
    callback = dana.allow(application.address(metadata))
    assert redeem(metadata, application, callback, redirect_uri=other).status_code == 400


# PKCE (RFC 9700 section 2.1.1)


@pytest.mark.parametrize(
    "parameters",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": ""},
    ],
)
def test_pkce_cannot_be_left_out_or_weakened(
    metadata: dict[str, Any], asking: Application, dana: Person, parameters: dict[str, str | None]
) -> None:
    answer = dana.browser.get(asking.address(metadata, **parameters))
    assert answer.status_code == 302
    assert told(answer.headers["location"])["error"] == "invalid_request"


def test_a_confidential_application_needs_pkce_too(metadata: dict[str, Any], dana: Person) -> None:
    application = register(metadata, token_endpoint_auth_method="client_secret_basic")
    answer = dana.browser.get(application.address(metadata, code_challenge=None, code_challenge_method=None))
    assert told(answer.headers["location"])["error"] == "invalid_request"


# Where the browser is sent (RFC 9700 section 2.1)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/callback",
        "https://app.example/callback/",
        "https://app.example/callback?extra=1",
        "https://app.example/callback#fragment",
        "https://app.example/callback;x",
        "https://app.example/CALLBACK",
        "https://app.example:8443/callback",
        "http://app.example/callback",
        "https://app.example.evil.example/callback",
        "https://app.example@evil.example/callback",
        "https://evil@app.example/callback",
        "https://app.example\\@evil.example/callback",
        "https://app.example/callback\r\nSet-Cookie: a=b",
        "https://app.example/../callback",
        "//app.example/callback",
        "javascript:alert(1)",
        "",
        None,
    ],
)
def test_a_redirect_uri_that_is_not_registered_is_never_followed(
    metadata: dict[str, Any], dana: Person, redirect_uri: str | None
) -> None:
    application = register(metadata, redirect_uris=["https://app.example/callback"])
    page = dana.browser.get(application.address(metadata, redirect_uri=redirect_uri))
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "<script>" not in page.text
    assert 'href="javascript:' not in page.text


def test_two_redirect_uris_are_refused(metadata: dict[str, Any], application: Application, dana: Person) -> None:
    address = application.address(metadata)
    page = dana.browser.get(f"{address}&{urlencode({'redirect_uri': 'https://evil.example/'})}")
    assert page.status_code == 400


def test_a_program_on_this_machine_takes_any_port(metadata: dict[str, Any], dana: Person) -> None:
    """RFC 8252 section 7.3."""
    for registered, asked in (
        ("http://127.0.0.1/callback", "http://127.0.0.1:52301/callback"),
        ("http://localhost:1234/callback", "http://localhost:52301/callback"),
        ("http://[::1]/callback", "http://[::1]:52301/callback"),
    ):
        application = register(metadata, redirect_uris=[registered])
        assert dana.browser.get(application.address(metadata, redirect_uri=asked)).status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        "http://127.0.0.1:52301/other",
        "http://127.0.0.1:52301/callback?x=1",
        "http://localhost:52301/callback",
        "https://127.0.0.1:52301/callback",
        "http://127.0.0.1.evil.example:52301/callback",
        "http://evil@127.0.0.1:52301/callback",
        "http://127.0.0.1:52301@evil.example/callback",
        "http://127.0.0.1:99999999/callback",
    ],
)
def test_on_this_machine_only_the_port_may_differ(metadata: dict[str, Any], dana: Person, asked: str) -> None:
    application = register(metadata, redirect_uris=["http://127.0.0.1/callback"])
    assert dana.browser.get(application.address(metadata, redirect_uri=asked)).status_code == 400


def test_the_site_is_no_open_redirector(metadata: dict[str, Any], dana: Person, site: Site) -> None:
    """Whoever registers an application could make links to this site that lead on by themselves (RFC 9700 4.11.2)."""
    evil = register(metadata, redirect_uris=["https://evil.example/"])
    wrong = ({"prompt": "none"}, {"response_type": "token"}, {"code_challenge_method": "plain"})
    for parameters in wrong:
        page = dana.browser.get(evil.address(metadata, **parameters))
        assert page.status_code == 400, parameters
        assert "location" not in page.headers
    with httpx2.Client(timeout=WAIT) as stranger:
        page = stranger.get(evil.address(metadata, prompt="none"))
        assert page.status_code == 400


@pytest.mark.parametrize(
    "next_url", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_other_site(site: Site, next_url: str) -> None:
    with Person(site.url, "dana") as dana:
        address = f"/sign-in/?{urlencode({'next': next_url})}"
        page = dana.browser.get(address)
        answer = dana.submit(page, login="dana", password=PASSWORD)
        assert "evil.example" not in str(answer.url)
        assert "evil.example" not in answer.headers.get("location", "")


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/callback",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "intent://app.example/#Intent;scheme=https;end",
        "intent://app.example/",
        "ms-msdt:/id",
        "search-ms:query=x",
        "https://user:password@app.example/",
        "https://app.example/#fragment",
        "https://*.example/",
        "https://",
        "https:",
        "/relative",
        "app.example",
        "https://app.example\\@evil.example/",
        "https://app.example/" + "x" * 600,
        "https://[",
        "",
    ],
)
def test_unsafe_redirect_uris_are_not_registered(metadata: dict[str, Any], uri: str) -> None:
    body = {"client_name": "x", "redirect_uris": [uri], "token_endpoint_auth_method": "none"}
    answer = httpx2.post(metadata["registration_endpoint"], json=body, timeout=WAIT)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_redirect_uri", "invalid_client_metadata")


@pytest.mark.parametrize("uri", ["cursor://anysphere.cursor/callback", "https://claude.ai/api/mcp/auth_callback"])
def test_addresses_of_real_clients_are_registered(metadata: dict[str, Any], dana: Person, uri: str) -> None:
    application = register(metadata, redirect_uris=[uri])
    assert dana.allow(application.address(metadata)).startswith(f"{uri}?code=")


# Consent


def test_no_application_is_let_in_unseen(metadata: dict[str, Any], dana: Person) -> None:
    """`prompt=none` of OpenID Connect, for which another application's grant of the same scopes would do."""
    redeem(metadata, first := register(metadata), dana.allow(first.address(metadata, scope="openid profile")))
    second = register(metadata)
    for scope in ("openid profile", "openid", None):
        answer = dana.browser.get(second.address(metadata, scope=scope, prompt="none"))
        assert told(answer.headers["location"])["error"] == "interaction_required"


def test_consent_cannot_be_given_by_another_site(
    metadata: dict[str, Any], application: Application, dana: Person
) -> None:
    answer = dana.browser.post(application.address(metadata), data={"action": "allow"})
    assert answer.status_code == 403
    assert "location" not in answer.headers


def test_the_consent_page_is_framed_by_nobody(metadata: dict[str, Any], application: Application, dana: Person) -> None:
    page = dana.browser.get(application.address(metadata))
    assert page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "no-store" in page.headers["cache-control"]


def test_the_consent_page_says_that_the_name_is_unchecked_and_shows_where_it_leads(
    metadata: dict[str, Any], dana: Person
) -> None:
    evil = register(metadata, client_name="Official Claude", redirect_uris=["https://evil.example/cb"])
    page = dana.browser.get(evil.address(metadata)).text
    assert "nobody has checked who made it" in page
    assert "<strong>evil.example</strong>, which nobody has" in page


@pytest.mark.parametrize("name", ["Official \u202eedualC", "a\nb", "<b>Claude</b>", "x" * 101])
def test_names_that_deceive_are_not_registered(metadata: dict[str, Any], name: str) -> None:
    body = {"client_name": name, "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
    answer = httpx2.post(metadata["registration_endpoint"], json=body, timeout=WAIT)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_saying_no_gives_nothing(metadata: dict[str, Any], application: Application, dana: Person) -> None:
    answer = told(dana.deny(application.address(metadata)))
    assert answer == {"error": "access_denied", "state": application.state, "iss": metadata["issuer"]}


def test_the_state_comes_back_as_it_was(metadata: dict[str, Any], application: Application, dana: Person) -> None:
    application.state = "<&\"'% +\u00e4>"
    assert application.code(dana.allow(application.address(metadata)))


def test_an_application_cannot_register_itself_rights(metadata: dict[str, Any], dana: Person, site: Site) -> None:
    application = register(
        metadata, scope="admin openid", skip_consent=True, grant_types=["client_credentials", "authorization_code"]
    )
    page = dana.browser.get(application.address(metadata, scope="admin"))
    assert page.status_code == 200
    assert "which you may not grant it" in page.text
    tokens = redeem(metadata, application, dana.allow(application.address(metadata, scope="admin"))).json()
    assert "admin" not in tokens.get("scope", "")
    own = post(metadata["token_endpoint"], {"grant_type": "client_credentials", "client_id": application.client_id})
    assert own.status_code in (400, 401)
    sql = "SELECT skip_consent, scopes FROM allauth_idp_oidc_client WHERE id = "
    mark = "?" if site.database_url.startswith("sqlite") else "%s"
    assert [tuple(map(bool, row)) for row in rows(site.database_url, sql + mark, [application.client_id])] == [
        (False, False)
    ]


def test_a_deactivated_person_gets_no_more_tokens(site: Site, metadata: dict[str, Any]) -> None:
    add_person(site, "leaver")
    with Person(site.url, "leaver") as leaver:
        application = register(metadata)
        first = redeem(metadata, application, leaver.allow(application.address(metadata))).json()
        waiting = leaver.allow(application.address(metadata))
        execute(site.database_url, "UPDATE authz_app_user SET is_active = false WHERE username = 'leaver'")
        assert redeem(metadata, application, waiting).json()["error"] == "invalid_grant"
        body = {"grant_type": "refresh_token", "client_id": application.client_id, **first}
        assert post(metadata["token_endpoint"], body).json()["error"] == "invalid_grant"
        assert "/sign-in/" in leaver.browser.get(application.address(metadata)).headers["location"]
        refused = leaver.sign_in()
        assert refused.url.path == "/sign-in/inactive/"


# What makes other servers stumble

STRANGE = [
    "\0",
    "a\0b",
    "\ud83d",
    "%00",
    "%zz",
    "x" * 10_000,
    "[]",
    "{",
    "'\"<>",
    "\u202e",
    "\r\nX: y",
    "-1",
    "\U0001f600",
]


@pytest.mark.parametrize("name", ["response_type", "client_id", "redirect_uri", "scope", "state", "resource", "nonce"])
@pytest.mark.parametrize("value", STRANGE, ids=range(len(STRANGE)))
def test_strange_parameters_get_an_answer(
    metadata: dict[str, Any], asking: Application, dana: Person, name: str, value: str
) -> None:
    question = {**asking.question(), name: value.encode("utf-8", "surrogatepass")}
    page = dana.browser.get(f"{AUTHORIZE}?{urlencode(question)[:60_000]}")
    assert page.status_code in (200, 302, 400, 414)


@pytest.mark.parametrize("name", ["prompt", "claims", "id_token_hint", "max_age", "request", "request_uri", "display"])
@pytest.mark.parametrize(
    "value", ["none none", "[]", "{}", '{"sub": 1}', "x.y.z", "\0", "login", "https://evil.example/"]
)
def test_what_openid_connect_has_beyond_oauth_does_no_harm(
    metadata: dict[str, Any], asking: Application, dana: Person, name: str, value: str
) -> None:
    page = dana.browser.get(asking.address(metadata, scope="openid", **{name: value}))
    assert page.status_code in (200, 302, 400)


ENDPOINTS = ["token", "revoke", "clients", "device/code"]
BODIES: list[tuple[bytes, str]] = [
    (b"", FORM),
    (b"grant_type=authorization_code&code=%00&client_id=x", FORM),
    (b"grant_type=refresh_token&refresh_token=%00&client_id=%00", FORM),
    (b"token=%00&client_id=x", FORM),
    (b"client_id=" + b"x" * 200_000, FORM),
    (b"&".join(b"a%d=1" % n for n in range(2_000)), FORM),
    (b"scope=" + b"x%20" * 2_000 + b"&client_id=x", FORM),
    (b"x" * 3_000_000, FORM),
    (b"x" * 3_000_000, "application/json"),
    (
        b"grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=%00&client_id=x",
        FORM,
    ),
    (b"x", "multipart/form-data"),
    (b"x", "multipart/form-data; boundary=y"),
    (
        b'--y\r\nContent-Disposition: form-data; name="client_id"; filename="f"\r\n\r\nx\r\n--y--',
        "multipart/form-data; boundary=y",
    ),
    (b"\xff\xfe", "application/json"),
    (b"[" * 50_000, "application/json"),
    (b"1" * 5_000, "application/json"),
    (b"null", "application/json"),
    (b"{}", "application/json"),
    (b'{"redirect_uris": "x"}', "application/json"),
    (b'{"redirect_uris": ["https://a.example/"], "client_name": "a\\u0000b"}', "application/json"),
    (b'{"redirect_uris": ["https://a.example/"], "client_name": "\\ud83d"}', "application/json"),
    (b'{"redirect_uris": ["https://a.example/"], "client_name": {"a": 1}}', "application/json"),
    (b'{"redirect_uris": ["https://a.example/"], "grant_types": [[1]]}', "application/json"),
    (b'{"redirect_uris": ["https://a.example/"], "grant_types": {"a": 1}}', "application/json"),
    (b'{"redirect_uris": ["https://a.example/"], "x": NaN, "y": Infinity, "z": 1e999}', "application/json"),
    (b'{"redirect_uris": ["https://a.example/"], "scope": ["a"], "response_types": "code"}', "application/json"),
    (b'{"redirect_uris": [1, null]}', "application/json"),
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(("body", "content_type"), BODIES, ids=range(len(BODIES)))
def test_strange_bodies_get_an_answer(site: Site, endpoint: str, body: bytes, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    answer = httpx2.post(f"{site.url}/identity/o/api/{endpoint}", content=body, headers=headers, timeout=WAIT)
    assert 200 <= answer.status_code < 500
    if answer.content:
        assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("path", ["/sign-in/", "/device", "/me/disconnect/", "/sign-out/", AUTHORIZE])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"login=%00&password=%00", FORM),
        (b"x" * 3_000_000, FORM),
        (b"x", "multipart/form-data"),
        (b"\xff", "text/plain"),
    ],
    ids=["nul", "huge", "multipart", "text"],
)
def test_strange_forms_get_an_answer(site: Site, path: str, body: bytes, content_type: str) -> None:
    answer = httpx2.post(site.url + path, content=body, headers={"Content-Type": content_type}, timeout=WAIT)
    assert 300 <= answer.status_code < 500


@pytest.mark.parametrize("login", ["a\0b", "\ud83d", "x" * 5_000, "' OR 1=1 --"])
def test_strange_names_do_not_sign_in(site: Site, login: str) -> None:
    with Person(site.url, "dana") as stranger:
        page = stranger.browser.get("/sign-in/")
        token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        fields = {"csrfmiddlewaretoken": token, "login": login.encode("utf-8", "surrogatepass"), "password": "a\0b"}
        answer = stranger.browser.post("/sign-in/", content=urlencode(fields), headers={"Content-Type": FORM})
        assert answer.status_code == 200
        assert stranger.browser.get("/me/").status_code == 302


@pytest.mark.parametrize("code", ["\0", "x" * 5_000, "\U0001f600", "AAAA-AAAA", "-", "%"])
def test_strange_device_codes_get_an_answer(dana: Person, code: str) -> None:
    page = dana.browser.get(f"/device?{urlencode({'code': code})}")
    assert page.status_code in (400, 429)


@pytest.mark.parametrize(
    "path", ["/", "/connect/", "/me/", "/sign-in/", AUTHORIZE, "/.well-known/openid-configuration"]
)
def test_another_host_s_name_gets_no_further(site: Site, path: str) -> None:
    answer = httpx2.get(site.url + path, headers={"Host": "evil.example"}, timeout=WAIT)
    assert answer.status_code == 400
    forwarded = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    assert "evil.example" not in httpx2.get(site.url + path, headers=forwarded, timeout=WAIT).text
