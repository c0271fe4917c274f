"""What users met in messages: their answers, their errors, and what they were told when something was refused."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.conftest import copy_sqlite
from tests.databases import rule_for_everybody
from tests.issuer import Issuer
from tests.raw_mcp import ACCEPT
from tests.raw_modern import MODERN
from tests.site import Site

PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where everybody may use everything but `weather_tool`."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with Site(database_url, issuer, CONTACT="ops@example.com", MAX_BODY_BYTES="200000") as running:
        for kind in ("tool", "resource", "prompt"):
            rule_for_everybody(database_url, "*", kind=kind)
        rule_for_everybody(database_url, "weather_tool", effect="deny")
        yield running
        running.assert_no_traceback()


def post(site: Site, path: str = "/mcp", body: Any = PING, headers: Any = None, **more: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", "Accept": ACCEPT, **(site.headers() if headers is None else headers)}
    return httpx2.post(f"{site.url}{path}", content=content, headers={**sent, **more}, timeout=60)


# What is sent in place of an access token


KEYS = [
    "sk-live-4242aaaabbbbccccdddd",
    "Token sk-live-4242aaaabbbbccccdddd",
    "Basic c2stbGl2ZS00MjQyYWFhYQ==",
    "Bearer sk-live-4242aaaa bbbbccccdddd",
    "bearer sk-live-4242aaaabbbb,ccccdddd",
    "Bearer sk-live-4242aaaabbbbccccdddd",
    "Bearer:sk-live-4242aaaabbbbccccdddd",
    "Bearersk-live-4242aaaabbbbccccdddd",
    "sk-live-4242\xe9aaaabbbbccccdddd",
    "sk-live-4242aaaabbbbccccdddd Bearer",
    '"sk-live-4242aaaabbbbccccdddd"',
    "apikey=sk-live-4242aaaabbbbccccdddd",
]


@pytest.mark.parametrize("path", ["/mcp", "/sse", "/messages/"])
@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_the_authorization_header_is_repeated_nowhere(site: Site, key: str, path: str) -> None:
    """A raw key was taken for the scheme, and the scheme was repeated in the answer and in the log."""
    response = post(site, path, headers={"Authorization": key.encode("latin-1")})
    assert response.status_code in (400, 401)
    said = f"{response.headers} {response.text} {site.log}".lower()
    assert not [part for part in ("sk-live", "4242", "aaaa", "dddd", "c2stbgl2", "basic", "apikey") if part in said]
    assert "token" in response.text


def test_two_keys_are_repeated_nowhere(site: Site) -> None:
    headers = [("Authorization", KEYS[0]), ("Authorization", KEYS[1]), ("MCP-Protocol-Version", KEYS[0])]
    response = httpx2.post(f"{site.url}/mcp", json=PING, headers=headers)
    assert response.status_code == 400
    assert "sk-live" not in f"{response.headers} {response.text} {site.log}"


def test_a_key_in_another_header_is_repeated_nowhere(site: Site) -> None:
    for name in ("MCP-Protocol-Version", "Mcp-Session-Id", "Mcp-Method", "Mcp-Name", "Content-Type", "Origin"):
        response = post(site, **{name: KEYS[0]})
        assert response.status_code >= 400, name
        assert "sk-live" not in f"{response.headers} {response.text} {site.log}", name


# What a refusal on the way in says


@pytest.mark.parametrize("mode", ["legacy", MODERN])
@pytest.mark.parametrize(
    ("token", "says"),
    [("opaque", "This is an opaque token, not a signed JWT."), ("expired", "The token expired")],
)
async def test_a_client_shows_why_its_token_is_refused(site: Site, mode: str, token: str, says: str) -> None:
    """The body of a 401 was no JSON-RPC, and clients on the Python SDK showed "Server returned an error response"."""
    bearer = {"Authorization": f"Bearer {site.token(exp=1) if token == 'expired' else token}"}
    async with httpx2.AsyncClient(headers=bearer, timeout=60) as http:
        with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match=says), flatten_subgroups=True, allow_unwrapped=True):
            async with Client(streamable_http_client(f"{site.url}/mcp", http_client=http), mode=mode) as client:
                await client.list_tools()


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"Authorization": ""}, 400),
        ("POST", {"Authorization": "Bearer x"}, 401),
        ("GET", {"Authorization": "Bearer x"}, 401),
        ("GET", {}, 405),
        ("PUT", {}, 405),
        ("GET", {"MCP-Protocol-Version": MODERN}, 405),
        ("POST", {"Content-Type": "text/plain"}, 415),
        ("POST", {"Content-Encoding": "gzip"}, 415),
        ("POST", {"Accept": "text/html"}, 406),
        ("POST", {"Accept": "text/html", "MCP-Protocol-Version": MODERN}, 406),
        ("POST", {"Accept": "application/json", "MCP-Protocol-Version": MODERN}, 406),
        ("POST", {"Mcp-Session-Id": "0" * 32}, 404),
        ("POST", {}, 400),
        ("DELETE", {}, 400),
        ("POST", {"Host": "other.example.com"}, 421),
        ("POST", {"Origin": "https://other.example.com"}, 403),
    ],
)
def test_every_refusal_at_mcp_is_a_json_rpc_error(
    site: Site, method: str, headers: dict[str, str], status: int
) -> None:
    sent = {**site.headers(), "Content-Type": "application/json", "Accept": ACCEPT, **headers}
    response = httpx2.request(method, f"{site.url}/mcp", content=json.dumps(PING), headers=sent, timeout=60)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    refusal = response.json()
    assert refusal["jsonrpc"] == "2.0"
    assert "id" in refusal
    assert isinstance(refusal["error"]["code"], int)
    assert len(refusal["error"]["message"].split()) > 3 or status == 406
    assert ("www-authenticate" in response.headers) == (status in (400, 401) and "Authorization" in headers)


def test_http_sse_answers_a_refused_token_as_before(site: Site) -> None:
    refused = post(site, "/messages/", headers={"Authorization": "Bearer x"}).json()
    assert refused.keys() == {"error", "error_description"}


@pytest.mark.parametrize("path", ["/mcp", "/messages/?session_id=" + "0" * 32])
@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip"])
def test_a_compressed_body_is_refused_in_a_sentence(site: Site, path: str, coding: str) -> None:
    response = post(site, path, gzip.compress(json.dumps(PING).encode()), **{"Content-Encoding": coding})
    assert response.status_code == 415
    assert "Send it as it is, without Content-Encoding." in response.text


def test_a_body_that_says_it_is_not_compressed_is_read(site: Site) -> None:
    assert post(site, **{"Content-Encoding": "identity"}).json()["error"]["data"] == {"error": "no_session_id"}


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json", "*/*"])
def test_a_stream_without_a_session_is_not_allowed(site: Site, accept: str) -> None:
    """It was answered with 400, where the specification has 405 for a stream that is not there."""
    response = httpx2.get(f"{site.url}/mcp", headers={**site.headers(), "Accept": accept})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert "POST an initialize request" in response.json()["error"]["message"]
