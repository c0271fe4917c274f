"""What this site is called as a resource, and where a challenge sends a client."""

import json
from dataclasses import replace

import pytest
from pytest_django import Settings

from authz_app.conf import as_clients_spell, conf, resource_identifiers

SITE = "https://mcp.example.com"


def test_the_site_and_each_place_to_connect_are_resources() -> None:
    assert resource_identifiers(SITE) == (
        *(SITE, f"{SITE}/", f"{SITE}/sse", f"{SITE}/sse/"),
        *(f"{SITE}/mcp", f"{SITE}/mcp/"),
    )


def test_further_identifiers_come_on_top() -> None:
    further = resource_identifiers(SITE, ["urn:mcp", "https://old.example.com"])[6:]
    assert further == ("urn:mcp", "https://old.example.com", "https://old.example.com/")


@pytest.mark.parametrize(
    ("audience", "spelled"),
    [
        ("https://api", ["https://api", "https://api/"]),
        ("https://api/", ["https://api/", "https://api"]),
        ("http://127.0.0.1:8000", ["http://127.0.0.1:8000", "http://127.0.0.1:8000/"]),
    ],
)
def test_a_bare_origin_is_accepted_with_and_without_its_slash(audience: str, spelled: list[str]) -> None:
    assert list(as_clients_spell([audience])) == spelled
    assert list(as_clients_spell([*spelled, audience])) == spelled


@pytest.mark.parametrize(
    "audience",
    ["https://api/x", "https://api/x/", "https://api//", "https://api?a=b", "https://api#", "api://guid", "urn:a:b"]
    + ["account", "", "https:", "https://[", "HTTPS://api"],
)
def test_every_other_audience_is_exact(audience: str) -> None:
    assert as_clients_spell([audience]) == (audience,)


@pytest.mark.parametrize(
    ("path", "suffix"),
    [("/sse", "/sse"), ("/messages/", "/sse"), ("/messages", "/sse"), ("/mcp", "/mcp")]
    + [(path, "") for path in ("/", "/mcp/", "//mcp", "/MCP", '/"', "/mcp\r\n", "https://evil.example/mcp")],
)
def test_a_challenge_names_the_metadata_of_what_was_asked_for(path: str, suffix: str) -> None:
    site = replace(conf(), public_url=SITE)
    assert site.resource_metadata_url(path) == f"{SITE}/.well-known/oauth-protected-resource{suffix}"


def test_a_bare_origin_is_trusted_as_clients_spell_it(settings: Settings) -> None:
    settings.AUTH0_DOMAIN, settings.AUTH_AUDIENCE, settings.LOCAL_ISSUER = "t.auth0.com", ["https://api.example"], False
    settings.TRUSTED_ISSUERS = json.dumps([{"issuer": "https://i.example", "audiences": ["https://b.example/"]}])
    audiences = [set(issuer.audiences) for issuer in conf().trusted_issuers]
    assert audiences == [
        {"https://b.example/", "https://b.example"},
        {"https://api.example", "https://api.example/"},
    ]


def test_proxies_may_be_written_as_they_show_up_on_a_socket_of_both_families(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["::ffff:10.0.0.1", "::ffff:10.1.0.0/112", "[::1]", " 192.0.2.1 ", "fd00::/8", "::/0"]
    found = [str(network) for network in conf().trusted_proxies]
    assert found == ["10.0.0.1/32", "10.1.0.0/16", "::1/128", "192.0.2.1/32", "fd00::/8", "::/0"]
