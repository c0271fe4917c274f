"""The metadata by which clients find their way to the login (RFC 9728), and that no request can bend it.

Covers: authz_app.core.cors
"""

import json
from typing import Any

import pytest
from django.test import Client as Browser
from mcp.client.auth.utils import build_protected_resource_metadata_discovery_urls
from mcp.shared.auth import ProtectedResourceMetadata
from pytest_django import Settings

SITE = "http://testserver"
WELL_KNOWN = "/.well-known/oauth-protected-resource"
PATHS = ["", "/sse", "/mcp"]


@pytest.mark.parametrize("path", PATHS)
def test_the_resource_is_the_url_that_the_client_connects_to(client: Browser, path: str) -> None:
    """RFC 9728 section 3.3: otherwise the client must not use the metadata."""
    answer = client.get(WELL_KNOWN + path)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {
        "resource": f"{SITE}{path}",
        "resource_name": "MCP server at testserver",
        "resource_documentation": f"{SITE}/",
        "authorization_servers": [SITE],
        "bearer_methods_supported": ["header"],
    }


@pytest.mark.parametrize("path", PATHS)
def test_the_sdk_finds_and_understands_it(client: Browser, path: str) -> None:
    first = build_protected_resource_metadata_discovery_urls(None, f"{SITE}{path}")[0]
    understood = ProtectedResourceMetadata.model_validate_json(client.get(first).content)
    assert str(understood.resource).rstrip("/") == f"{SITE}{path}"


def test_it_names_the_trusted_issuers_as_they_are_spelled(client: Browser, settings: Settings) -> None:
    settings.AUTH0_DOMAIN, settings.AUTH_AUDIENCE, settings.LOCAL_ISSUER = "t.auth0.com", [f"{SITE}/mcp"], False
    settings.TRUSTED_ISSUERS = json.dumps([{"issuer": "https://kc.example/realms/a", "audiences": ["x"]}])
    servers = client.get(f"{WELL_KNOWN}/mcp").json()["authorization_servers"]
    assert servers == ["https://kc.example/realms/a", "https://t.auth0.com/"]


def test_token_scopes_are_published_only_where_the_settings_say_so(client: Browser, settings: Settings) -> None:
    """Which of them open something here stands in the rules, and is not for strangers."""
    issuer = {"issuer": "https://issuer.example/", "audiences": [f"{SITE}/mcp"]}
    settings.TRUSTED_ISSUERS = json.dumps([issuer])
    assert "scopes_supported" not in client.get(f"{WELL_KNOWN}/mcp").json()
    settings.TRUSTED_ISSUERS = json.dumps([{**issuer, "login_scopes": ["api://x/mcp.call", "openid"]}])
    assert client.get(f"{WELL_KNOWN}/mcp").json()["scopes_supported"] == ["api://x/mcp.call", "openid"]


def test_tokens_in_the_query_are_offered_only_where_they_are_accepted(client: Browser, settings: Settings) -> None:
    settings.ALLOW_QUERY_TOKEN = True
    methods = {path: client.get(WELL_KNOWN + path).json()["bearer_methods_supported"] for path in PATHS}
    assert methods == {"": ["header"], "/sse": ["header", "query"], "/mcp": ["header"]}


EVIL = "evil.example"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_X_FORWARDED_HOST": EVIL},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_X_FORWARDED_PORT": "4711"},
        {"HTTP_X_FORWARDED_PREFIX": f"/{EVIL}"},
        {"HTTP_FORWARDED": f"host={EVIL};proto=https"},
        {"HTTP_X_ORIGINAL_URL": f"/{EVIL}"},
        {"HTTP_HOST": "localhost:4711"},
        {"HTTP_ORIGIN": f"https://{EVIL}"},
        {"SCRIPT_NAME": f"/{EVIL}"},
        {"QUERY_STRING": f"resource=https://{EVIL}"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_request_changes_what_it_says(
    client: Browser, settings: Settings, headers: dict[str, Any], path: str
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert client.get(WELL_KNOWN + path, **headers).json() == client.get(WELL_KNOWN + path).json()


def test_another_host_is_refused(client: Browser) -> None:
    answer = client.get(f"{WELL_KNOWN}/mcp", HTTP_HOST=EVIL)
    assert answer.status_code == 400
    assert EVIL not in answer.content.decode()


@pytest.mark.parametrize(
    "path",
    ["/", "/mcp/", "//mcp", "/MCP", "/messages/", "/mcp/..", "/../mcp", "/%2e%2e/mcp", "/mcp%00", "/mcp;a", "/admin"]
    + [f"/https://{EVIL}/mcp", f"//{EVIL}", "/%0d%0aX-Evil:1", "/" + "x" * 5000],
)
def test_there_is_no_metadata_of_other_paths(client: Browser, path: str) -> None:
    answer = client.get(WELL_KNOWN + path)
    assert answer.status_code == 404
    assert EVIL not in answer.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_it_can_only_be_read(client: Browser, method: str) -> None:
    assert getattr(client, method)(f"{WELL_KNOWN}/mcp").status_code == 405


def test_a_web_page_of_any_origin_may_read_it(client: Browser) -> None:
    """The Fetch standard, "CORS protocol": for clients that run in a browser, such as the Inspector's page."""
    origin = {"HTTP_ORIGIN": "http://localhost:6274"}
    asked = client.options(f"{WELL_KNOWN}/mcp", **origin, HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET")
    assert asked.status_code == 204
    assert asked["Access-Control-Allow-Origin"] == "*"
    assert asked["Access-Control-Allow-Methods"] == "GET"
    assert "MCP-Protocol-Version" in asked["Access-Control-Allow-Headers"]
    read = client.get(f"{WELL_KNOWN}/mcp", **origin)
    assert read["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in read


# The check
