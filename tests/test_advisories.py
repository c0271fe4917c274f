"""Attacks, each tried on the paths that a stranger reaches: `GET /sse` and `POST /messages/`.

None may get further than its answer, make a 500 or a traceback, or show a token in the log.
"""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.conftest import copy_sqlite
from tests.databases import rule_for_everybody
from tests.issuer import ABSENT, Issuer, base64url, encode, private_key
from tests.raw_sse import RawSession, call, raw_session, request
from tests.site import Site

SESSION = "0123456789abcdef0123456789abcdef"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    running = Site(
        copy_sqlite(migrated_sqlite, directory), issuer, MAX_BODY_BYTES="100000", MAX_SESSIONS_PER_CLIENT="3"
    )
    with running:
        rule_for_everybody(running.database_url, "*")
        yield running
        running.assert_no_traceback()
        assert "eyJ" not in running.log


def unsigned(site: Site, header: dict[str, Any], signature: bytes = b"") -> str:
    assert site.issuer is not None
    claims = site.issuer.claims("alice", aud=site.audience)
    return f"{encode(header)}.{encode(claims)}.{base64url(signature)}"


def confused(site: Site) -> str:
    """HMAC with the issuer's public key as its secret."""
    assert site.issuer is not None
    public = site.issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": site.issuer.key_id}
    signing_input = f"{encode(header)}.{encode(site.issuer.claims('alice', aud=site.audience))}"
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signing_input.encode(), public)
    return f"{signing_input}.{base64url(signature)}"


def with_header(**parameters: Any) -> Callable[[Site], str]:
    def build(site: Site) -> str:
        assert site.issuer is not None
        return site.issuer.sign(site.issuer.claims("alice", aud=site.audience), site.issuer.header(**parameters))

    return build


def with_claims(**claims: Any) -> Callable[[Site], str]:
    return lambda site: site.token(**{"subject": "alice", **claims})


def with_payload(payload: bytes) -> Callable[[Site], str]:
    return lambda site: site.issuer.sign(payload) if site.issuer else ""


def signed_by_another(site: Site) -> str:
    assert site.issuer is not None
    return site.issuer.sign(site.issuer.claims("alice", aud=site.audience), key=private_key("RS256", 99))


def of_another_issuer(site: Site) -> str:
    """Rightly signed by an issuer that nobody trusts, with the key id of one that is."""
    with Issuer() as other:
        return other.token(sub="alice", aud=site.audience)


NOW = int(time.time())
FORGERIES: dict[str, Callable[[Site], str]] = {
    "algorithm none": lambda site: unsigned(site, {"alg": "none", "typ": "JWT"}),
    "algorithm None": lambda site: unsigned(site, {"alg": "None", "typ": "JWT"}),
    "algorithm confusion": confused,
    "algorithm not allowed": with_header(alg="RS512"),
    "algorithm missing": with_header(alg=ABSENT),
    "algorithm a number": with_header(alg=5),
    "key id unknown": with_header(kid="no-such-key"),
    "key id a path": with_header(kid="../../../../dev/null"),
    "key id an injection": with_header(kid="x' UNION SELECT 'key"),
    "key id huge": with_header(kid="k" * 5_000),
    "key id a list": with_header(kid=["key-0"]),
    "key by reference": with_header(jku="https://evil.example/jwks.json", kid="evil"),
    "key in the header": with_header(jwk={"kty": "oct", "k": "AAAA"}, kid="evil"),
    "certificate by reference": with_header(x5u="https://evil.example/cert.pem", kid="evil"),
    "critical extension": with_header(crit=["exp"]),
    "another's signature": signed_by_another,
    "another issuer": of_another_issuer,
    "no issuer": with_claims(iss=ABSENT),
    "issuer a list": with_claims(iss=["a", "b"]),
    "no subject": lambda site: site.issuer.token(sub=ABSENT, aud=site.audience) if site.issuer else "",
    "subject empty": with_claims(subject=""),
    "subject a number": with_claims(subject=5),
    "subject with NUL": with_claims(subject="al\x00ice"),
    "no audience": with_claims(aud=ABSENT),
    "another audience": with_claims(aud="https://other.example"),
    "audience by prefix": lambda site: site.token(aud=f"{site.audience}/more"),
    "audience of numbers": with_claims(aud=[1, 2]),
    "no expiry": with_claims(exp=ABSENT),
    "expired": with_claims(exp=NOW - 3_600),
    "expiry absurd": with_claims(exp=10**400),
    "expiry a string": with_claims(exp="tomorrow"),
    "expiry true": with_claims(exp=True),
    "not yet valid": with_claims(nbf=NOW + 3_600),
    "sender-constrained": with_claims(cnf={"jkt": "x"}),
    "id token": with_claims(nonce="n", at_hash="h"),
    "claim with NUL": with_claims(department="a\x00b"),
    "payload a list": with_payload(b"[1]"),
    "payload not JSON": with_payload(b"\xff\xfe"),
    "payload in UTF-16": with_payload('{"iss": "x"}'.encode("utf-16")),
    "payload deep": with_payload(b'{"a":' + b"[" * 3_000 + b"]" * 3_000 + b"}"),
    "claims twice": with_payload(b'{"iss": "a", "iss": "b"}'),
    "opaque": lambda site: "k3yb04rdc4t",
    "encrypted": lambda site: "a.b.c.d.e",
    "empty parts": lambda site: "..",
    "huge": lambda site: "a" * 16_100,
}


@pytest.mark.parametrize("path", ["/sse", "/messages/"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_gets_no_further_than_401(site: Site, forgery: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {FORGERIES[forgery](site)}", "Content-Type": "application/json"}
    if path == "/sse":
        response = httpx2.get(site.url + path, headers=headers)
    else:
        response = httpx2.post(f"{site.url}{path}?session_id={SESSION}", headers=headers, json=PING)
    assert response.status_code == 401, response.text
    assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token", error_description="')
    assert "/.well-known/oauth-protected-resource" in response.headers["www-authenticate"]
    assert response.json()["error"] == "invalid_token"


@pytest.mark.parametrize("path", ["/sse", "/messages/"])
def test_no_token_is_challenged_without_an_error(site: Site, path: str) -> None:
    response = httpx2.request("GET" if path == "/sse" else "POST", site.url + path)
    assert response.status_code == 401
    assert "error=" not in response.headers["www-authenticate"]


def test_two_tokens_are_refused(site: Site) -> None:
    token = site.token()
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert httpx2.get(f"{site.url}/sse", headers=headers).status_code == 400


def test_a_token_in_the_query_string_is_not_accepted(site: Site) -> None:
    assert httpx2.get(f"{site.url}/sse?access_token={site.token()}").status_code == 401


async def test_a_session_does_not_exist_for_another_subject(site: Site) -> None:
    async with raw_session(site, "victim") as session:
        response = await session.post(call("echo", text="x"), site.headers("mallory"))
        assert response.status_code == 404
        assert (await session.request("ping"))["result"] == {}


async def test_a_session_does_not_exist_for_another_application_of_its_subject(site: Site) -> None:
    async with raw_session(site, "victim", azp="one") as session:
        assert (await session.post(PING, site.headers("victim", azp="other"))).status_code == 404


async def test_a_foreign_session_is_refused_in_the_same_words_as_none(site: Site) -> None:
    async with raw_session(site, "victim") as session:
        foreign = await session.post(PING, site.headers("mallory"))
        none = await session.post(PING, site.headers("mallory"), f"/messages/?session_id={SESSION}")
    assert (foreign.status_code, foreign.content) == (none.status_code, none.content)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?session_id=",
        f"?session_id={SESSION}&session_id={SESSION}",
        f"?session_id={SESSION.upper()}",
        f"?session_id={SESSION}0",
        "?session_id=../../etc/passwd",
        "?session_id=%00" + SESSION[3:],
        "?session_id=%0d%0aInjected:%20line",
        "?" + "&".join(f"a{number}=1" for number in range(200)),
        "?session_id=" + "a" * 5_000,
    ],
)
def test_a_malformed_session_id_is_refused(site: Site, query: str) -> None:
    response = httpx2.post(f"{site.url}/messages/{query}", headers=site.headers(), json=PING)
    assert response.status_code == 400


def test_a_guessed_session_id_is_not_found(site: Site) -> None:
    response = httpx2.post(f"{site.url}/messages/?session_id={SESSION}", headers=site.headers(), json=PING)
    assert response.status_code == 404


BODIES = {
    "not JSON": b"{",
    "empty": b"",
    "a number": b"5",
    "null": b"null",
    "a batch": b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
    "duplicate member": b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}',
    "NaN": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":NaN}}',
    "infinite": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1e999}}',
    "huge integer": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":' + b"9" * 5_000 + b"}}",
    "invalid UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}',
    "UTF-16": '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}',
    "lone surrogate": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\\ud800"}}',
    "nested too deeply": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":' + b"[" * 100 + b"]" * 100 + b"}}",
    "nested absurdly": b"[" * 90_000,
    "id true": b'{"jsonrpc":"2.0","id":true,"method":"ping"}',
    "id null": b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
    "id an object": b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
    "id huge": b'{"jsonrpc":"2.0","id":"' + b"x" * 1_000 + b'","method":"ping"}',
    "method a number": b'{"jsonrpc":"2.0","id":1,"method":5}',
    "params a list": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}',
    "version 1": b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
    "no method": b'{"jsonrpc":"2.0","id":1}',
}


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_is_not_a_message_is_refused_and_the_session_goes_on(site: Site, body: str) -> None:
    async with raw_session(site) as session:
        response = await session.post(BODIES[body])
        assert response.status_code == 400
        assert response.json()["error"]["code"] in (-32700, -32600)
        assert (await session.request("ping"))["result"] == {}


def test_a_body_over_the_limit_is_refused(site: Site) -> None:
    response = httpx2.post(
        f"{site.url}/messages/?session_id={SESSION}",
        headers=site.headers() | {"Content-Type": "application/json"},
        content=b" " * 100_001,
    )
    assert response.status_code == 413


async def test_odd_requests_are_answered_as_json_rpc_errors(site: Site) -> None:
    odd = [
        request("tools/call", None),
        request("tools/call", {}),
        request("tools/call", {"name": 5}),
        request("tools/call", {"name": "echo", "arguments": []}),
        request("tools/call", {"name": "x" * 50_000}),
        request("tools/call", {"name": "e\x00cho", "arguments": {"text": "\x00"}}),
        request("tools/list", {"cursor": "x"}),
        request("no/such/method", {}),
        request("initialize", {"protocolVersion": 5}),
        request("logging/setLevel", {"level": "loud"}),
        request("tools/list", {"_meta": {"io.modelcontextprotocol/protocolVersion": "1999-01-01"}}),
        request("tools/list", {"_meta": {"io.modelcontextprotocol/protocolVersion": 5}}),
        request("tools/list", {"_meta": {"progressToken": {}}}),
    ]
    async with raw_session(site, "odd") as session:
        for number, message in enumerate(odd, start=100):
            answer = await session.request(message["method"], message.get("params"), number)
            assert ("error" in answer) or message["method"] == "tools/list", message
            assert "Traceback" not in json.dumps(answer)
        assert (await session.request("ping"))["result"] == {}


async def test_odd_notifications_and_replies_are_taken_without_harm(site: Site) -> None:
    odd: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "method": "notifications/cancelled"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": {}}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": True}},
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": "x"}},
        {"jsonrpc": "2.0", "method": "no/such/notification", "params": {"a": 1}},
        {"jsonrpc": "2.0", "id": "somebody|else", "result": {}},
        {"jsonrpc": "2.0", "id": 5, "error": {"code": "x", "message": 5}},
    ]
    async with raw_session(site) as session:
        for message in odd:
            assert (await session.post(message)).status_code == 202
        assert (await session.request("ping"))["result"] == {}


async def test_a_reply_from_another_session_answers_nothing(site: Site) -> None:
    async with raw_session_that_can_be_asked(site, "asked") as asked, raw_session(site, "mallory") as other:
        await asked.post(call("greet", 7))
        question = await asked.message()
        assert question["method"] == "elicitation/create"
        forged = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"name": "Eve"}}}
        await other.post(forged)
        await asked.post({**forged, "result": {"action": "accept", "content": {"name": "Ada"}}})
        answer = await asked.message()
    assert answer["result"]["content"][0]["text"] == "Hello Ada!"


def raw_session_that_can_be_asked(site: Site, subject: str) -> Any:
    class Asked(RawSession):
        async def __aenter__(self) -> "Asked":
            await super().__aenter__()
            params = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"elicitation": {}},
                "clientInfo": {"name": "asked", "version": "1"},
            }
            await self.request("initialize", params, "initialize")
            return self

    return Asked(site, site.headers(subject))


async def test_more_sessions_than_a_client_may_have_are_refused(site: Site) -> None:
    async with raw_session(site, "many"), raw_session(site, "many"), raw_session(site, "many"):
        response = await asyncio.to_thread(httpx2.get, f"{site.url}/sse", headers=site.headers("many"))
    assert response.status_code == 429
    assert response.headers["retry-after"]


async def test_client_software_cannot_forge_log_lines(site: Site) -> None:
    async with RawSession(site, site.headers("forger")) as session:
        info = {"name": "evil\n2026-01-01 INFO root: all is well\x1b[2J", "version": "\u2028" * 3}
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info}
        await session.request("initialize", params)
        await session.request("tools/call", {"name": "no\nsuch\r\ntool\x1b", "arguments": {}}, 2)
    assert not [line for line in site.lines if line.startswith("2026-01-01") or "\x1b" in line]


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Host", "evil.example", 421),
        ("Host", "127.0.0.1.evil.example", 421),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", "http://[", 403),
    ],
)
def test_another_site_s_page_cannot_call(site: Site, name: str, value: str, status: int) -> None:
    assert httpx2.get(f"{site.url}/sse", headers=site.headers() | {name: value}).status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_on_sse_are_not_allowed(site: Site, method: str) -> None:
    response = httpx2.request(method, f"{site.url}/sse", headers=site.headers())
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"


def test_another_content_type_is_refused(site: Site) -> None:
    response = httpx2.post(
        f"{site.url}/messages/?session_id={SESSION}",
        headers=site.headers() | {"Content-Type": "text/plain"},
        content=json.dumps(PING).encode(),
    )
    assert response.status_code == 415


GET = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
POST = b"POST /messages/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
RAW = {
    "WebSocket": b"GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "two hosts": GET % b"/sse" + b"Host: evil\r\n\r\n",
    "no host": b"GET /sse HTTP/1.0\r\n\r\n",
    "token not ASCII": GET % b"/sse" + b"Authorization: Bearer \xff\xfe\r\n\r\n",
    "another scheme": GET % b"/sse" + b"Authorization: Basic YTpi\r\n\r\n",
    "path not ASCII": GET % b"/\xff\xfe" + b"\r\n",
    "path encoded NUL": GET % b"/sse%00" + b"\r\n",
    "path with line breaks": GET % b"/%0d%0aforged" + b"\r\n",
    "length negative": POST + b"Content-Length: -5\r\n\r\n",
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("raw", RAW)
def test_a_malformed_request_is_answered_or_cut_off_without_harm(site: Site, raw: str) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        connection.sendall(RAW[raw])
        answer = connection.recv(4096)
    status = answer.split(b" ", 2)[1] if answer else b"cut off"
    assert status[:1] in (b"4", b"c"), answer
