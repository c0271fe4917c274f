"""What the system checks find in the settings, and what they are content with."""

import json

import pytest
from django.urls import URLResolver, get_resolver
from pytest_django import Settings

from authz_app.checks import check_issuers, check_path, check_secret_key
from authz_app.conf import conf

SITE = "http://testserver"
INSECURE = "the key that is used for development, and known"


@pytest.mark.parametrize("scopes", [["two words"], ['"'], ["\n"], [""], "openid", [1]])
def test_what_is_no_token_scope_is_not_published(settings: Settings, scopes: object) -> None:
    issuer = {"issuer": "https://issuer.example/", "audiences": ["a"], "login_scopes": scopes}
    settings.TRUSTED_ISSUERS = json.dumps([issuer])
    (error,) = check_issuers()
    assert error.id == "authz.E002"
    assert "login_scopes" in error.msg


def test_an_issuer_that_is_configured_twice_is_an_error(settings: Settings) -> None:
    settings.AUTH0_DOMAIN, settings.AUTH_AUDIENCE = "t.auth0.com", [f"{SITE}/mcp"]
    settings.TRUSTED_ISSUERS = json.dumps([{"issuer": "https://t.auth0.com/", "audiences": ["x"]}])
    (error,) = check_issuers()
    assert "https://t.auth0.com/" in error.msg


def trusting(*audiences: str) -> str:
    return json.dumps([{"issuer": "https://issuer.example/", "audiences": audiences}])


def test_a_check_warns_of_audiences_that_are_another_site_s(settings: Settings) -> None:
    settings.TRUSTED_ISSUERS = trusting("https://mcp.example.com/mcp", "https://mcp.example.com/sse")
    (warning,) = check_issuers()
    assert warning.id == "authz.W001"
    assert "https://issuer.example/" in warning.msg
    assert "https://mcp.example.com/mcp" in warning.msg
    assert "PUBLIC_URL is http://testserver" in warning.msg
    assert warning.hint is not None
    assert "http://testserver/mcp" in warning.hint


@pytest.mark.parametrize(
    "audiences",
    [[f"{SITE}/mcp"], [SITE], [f"{SITE}/"], ["https://old.example", f"{SITE}/sse"], ["api://x"], ["account"]],
)
def test_the_check_is_content_with_this_site_s_and_with_names_that_are_no_urls(
    settings: Settings, audiences: list[str]
) -> None:
    settings.TRUSTED_ISSUERS = trusting(*audiences)
    assert check_issuers() == []


def test_further_resource_identifiers_are_this_site_s(settings: Settings) -> None:
    settings.RESOURCE_IDENTIFIERS = ["https://old.example"]
    settings.TRUSTED_ISSUERS = trusting("https://old.example/")
    assert check_issuers() == []


@pytest.mark.parametrize("key", ["x" * 31, INSECURE])
def test_a_secret_key_that_can_be_guessed_is_an_error(settings: Settings, key: str) -> None:
    settings.DEBUG, settings.SECRET_KEY, settings.INSECURE_SECRET_KEY = False, key, INSECURE
    assert [message.id for message in check_secret_key()] == ["authz.E001"]
    settings.SECRET_KEY = "y" * 50
    assert check_secret_key() == []


def test_a_site_that_trusts_no_issuer_is_an_error(settings: Settings) -> None:
    settings.DEBUG, settings.LOCAL_ISSUER = False, False
    assert [message.id for message in check_issuers()] == ["authz.E003"]


def test_an_issuer_without_an_audience_is_an_error(settings: Settings) -> None:
    settings.AUTH0_DOMAIN, settings.AUTH_AUDIENCE = "t.auth0.com", []
    assert [message.id for message in check_issuers()] == ["authz.E004"]


@pytest.mark.parametrize("place", ["issuer", "jwks_uri"])
def test_an_issuer_over_plain_http_is_an_error_unless_it_is_this_machine(settings: Settings, place: str) -> None:
    issuer = {"issuer": "https://issuer.example/", "audiences": [SITE]}
    settings.TRUSTED_ISSUERS = json.dumps([{**issuer, place: "http://issuer.example/"}])
    assert [message.id for message in check_issuers()] == ["authz.E005"]
    settings.TRUSTED_ISSUERS = json.dumps([{**issuer, place: "http://127.0.0.1:9000/"}])
    assert check_issuers() == []


def first_segments(resolver: URLResolver) -> set[str]:
    below = [first_segments(entry) for entry in resolver.url_patterns if isinstance(entry, URLResolver)]
    own = {str(entry.pattern) for entry in resolver.url_patterns} - {""}
    return (
        {path.lstrip("^").partition("/")[0] for path in own}.union(*below)
        if str(resolver.pattern) in ("", "^/")
        else set()
    )


def test_a_site_is_below_no_path_that_is_its_own(settings: Settings) -> None:
    own = {*first_segments(get_resolver()), "mcp", "sse", "messages", "static"}
    assert "sign-in" in own
    for segment in own:
        settings.FORCE_SCRIPT_NAME = f"/{segment}"
        assert [error.id for error in check_path()] == ["authz.E010"], segment
        settings.FORCE_SCRIPT_NAME = f"/{segment}/agents"
        assert [error.id for error in check_path()] == ["authz.E010"], segment
    for path in (None, "/agents", "/agents/mcp", "/mcp-site", "/administration"):
        settings.FORCE_SCRIPT_NAME = path
        assert check_path() == []


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("issuer.example", "begins with neither https:// nor http://"),
        ("https://issuer example/", "has a space"),
        ("https://issuer.example:port/", "has a host or port that is none"),
        ("https://issuer.example/#keys", "has a # in it"),
        ("ftp://issuer.example/", "begins with neither"),
    ],
)
@pytest.mark.parametrize("place", ["issuer", "jwks_uri"])
def test_the_address_of_an_issuer_is_refused_in_words(settings: Settings, place: str, url: str, fault: str) -> None:
    settings.TRUSTED_ISSUERS = json.dumps([{"issuer": "https://issuer.example/", "audiences": [SITE], place: url}])
    (error,) = check_issuers()
    assert error.id == "authz.E005"
    assert fault in error.msg


@pytest.mark.parametrize(
    ("issuer", "usual"),
    [
        ("HTTPS://Issuer.Example/", "https://issuer.example/"),
        ("https://issuer.example:443", "https://issuer.example"),
        ("https://issuer.example/?tenant=a", "https://issuer.example/"),
    ],
)
def test_an_issuer_is_never_changed_and_a_check_tells_that_it_is_odd(
    settings: Settings, issuer: str, usual: str
) -> None:
    settings.TRUSTED_ISSUERS = json.dumps([{"issuer": issuer, "audiences": [SITE]}])
    (warning,) = check_issuers()
    assert warning.id == "authz.W005"
    assert warning.msg == f"The issuer {issuer} would usually be written {usual}."
    assert issuer in {one.issuer for one in conf().trusted_issuers}


@pytest.mark.parametrize("issuer", ["https://issuer.example", "https://issuer.example/", "https://i.example/a//"])
def test_a_slash_more_or_less_is_the_issuer_s_own_affair(settings: Settings, issuer: str) -> None:
    settings.TRUSTED_ISSUERS = json.dumps([{"issuer": issuer, "audiences": [SITE]}])
    assert check_issuers() == []


@pytest.mark.parametrize("proxies", [["10.0.0.1/8"], ["[::1]"], ["::1/64", "127.0.0.1"]])
def test_proxies_are_taken_as_people_write_them(settings: Settings, proxies: list[str]) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert check_issuers() == []


@pytest.mark.parametrize("proxy", ["nginx", "10.0.0.1:8080", "*", "10.0.0.1 10.0.0.2"])
def test_what_is_no_proxy_is_refused_with_the_setting_s_name(settings: Settings, proxy: str) -> None:
    settings.TRUSTED_PROXIES = [proxy]
    (error,) = check_issuers()
    assert error.msg.startswith("TRUSTED_PROXIES: ")
