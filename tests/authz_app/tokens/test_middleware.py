"""What each way to send, or not to send, an access token is answered with.

Covers: authz_app.core.asgi, authz_app.tokens.errors
"""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings, strategies as st

from authz_app.audit.refused_requests import RefusedRequests
from authz_app.conf import conf
from authz_app.core.asgi import Message, Receive, Scope, Send
from authz_app.tokens import errors
from authz_app.tokens.issuer_keys import IssuerKeySets
from authz_app.tokens.middleware import BearerTokenMiddleware, challenge, split_query
from authz_app.tokens.verifier import TokenVerifier
from tests.issuer import Issuer, private_key

WAIT = 60.0
# On a busy machine an example may take any time; what counts is how it ends.
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# RFC 6750 section 3: what may stand between the quotes.
ATTRIBUTE = r'(\w+)="([\x20\x21\x23-\x5b\x5d-\x7e]*)"'
CHALLENGE = re.compile(f"Bearer {ATTRIBUTE}(, {ATTRIBUTE})*")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer("EdDSA") as issuer:
        yield issuer


@pytest.fixture
def verifier(issuer: Issuer) -> Iterator[TokenVerifier]:
    trusted = [issuer.trusted()]
    verifier = TokenVerifier(trusted, IssuerKeySets(trusted, dict, fetch_seconds=2), 30)
    yield verifier
    verifier.close()


@dataclass
class Answer:
    """What came back, and the scope that the application was called with, if it was."""

    status: int
    headers: dict[bytes, bytes]
    body: Any
    scope: Scope | None = None

    @property
    def challenge(self) -> dict[str, str]:
        value = self.headers[b"www-authenticate"].decode("ascii")
        assert CHALLENGE.fullmatch(value), value
        return dict(re.findall(ATTRIBUTE, value))


@dataclass
class Site:
    """The middleware in front of an application that answers 200 and notes its scope. Refusals are logged as ever."""

    verifier: TokenVerifier
    seen: list[Scope] = field(default_factory=list)
    refusals: RefusedRequests = field(default_factory=lambda: RefusedRequests(lambda event: None, "w"))

    def note(self, scope: Scope, error: errors.AuthenticationError) -> None:
        self.refusals.token(error, "::1")

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def request(
        self, *authorization: str | bytes, path: str = "/messages/", query: bytes = b"", method: str = "GET"
    ) -> Answer:
        values = [value if isinstance(value, bytes) else value.encode("latin-1") for value in authorization]
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": [(b"accept", b"*/*"), *((b"authorization", value) for value in values)],
        }
        before = json.dumps(scope, default=repr)
        sent: list[Message] = []
        async with asyncio.timeout(WAIT):
            await BearerTokenMiddleware(self.app, lambda: self.verifier, self.note)(scope, _nothing, _into(sent))
        assert json.dumps(scope, default=repr) == before, "the caller's scope was changed"
        start, body = sent
        return Answer(
            start["status"], dict(start["headers"]), json.loads(body["body"]), self.seen.pop() if self.seen else None
        )


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _into(sent: list[Message]) -> Send:
    async def send(message: Message) -> None:
        sent.append(message)

    return send


@pytest.fixture
def site(verifier: TokenVerifier) -> Site:
    return Site(verifier)


# Let in


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_a_good_token_reaches_the_application_as_a_principal(site: Site, issuer: Issuer, scheme: str) -> None:
    answer = await site.request(f"{scheme} {issuer.token(sub='auth0|alice')}")
    assert answer.status == 200
    assert answer.scope is not None
    assert answer.scope["principal"].subject == "auth0|alice"


async def test_what_is_not_http_passes_without_a_principal(verifier: TokenVerifier) -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    await BearerTokenMiddleware(app, lambda: verifier, lambda scope, error: None)(
        {"type": "lifespan"}, _nothing, _into([])
    )
    assert seen == [{"type": "lifespan"}]


async def test_a_principal_cannot_be_brought_along(site: Site) -> None:
    answer = await site.request()
    assert answer.status == 401
    assert answer.scope is None


# No credentials


async def test_without_credentials_the_challenge_names_no_error(site: Site) -> None:
    answer = await site.request()
    assert answer.status == 401
    assert answer.challenge == {"resource_metadata": conf().resource_metadata_url("/messages/")}
    assert answer.headers[b"content-type"] == b"application/json"
    assert answer.headers[b"cache-control"] == b"no-store"
    assert "Authorization: Bearer" in answer.body["error_description"]


@pytest.mark.parametrize(
    ("path", "suffix"), [("/sse", "/sse"), ("/messages/", "/sse"), ("/messages", "/sse"), ("/mcp", "/mcp"), ("/x", "")]
)
@pytest.mark.parametrize("authorization", [[], ["Basic YWxpY2U6c2VjcmV0"], ["Bearer opaque"]])
async def test_each_401_names_the_metadata_of_what_was_asked_for(
    site: Site, authorization: list[str], path: str, suffix: str
) -> None:
    """A client refuses metadata of another resource than the one it connects to (RFC 9728 section 3.3)."""
    answer = await site.request(*authorization, path=path)
    assert answer.status == 401
    assert answer.challenge["resource_metadata"] == f"http://testserver/.well-known/oauth-protected-resource{suffix}"


@pytest.mark.parametrize("value", ["Basic YWxpY2U6c2VjcmV0", "DPoP abc", "token", "Bearertoken abc", "\x00\xff", '"\\'])
async def test_another_scheme_is_no_credentials(site: Site, value: str) -> None:
    """RFC 6750 section 3.1: an unsupported authentication method is answered like none."""
    answer = await site.request(value)
    assert answer.status == 401
    assert "error" not in answer.challenge


# The request's fault


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "",
        " ",
        "Bearer a b",
        "Bearer a, Bearer b",
        "Bearer \x00",
        'Bearer a"b',
        "Bearer \xe9",
        "Bearer =a",
    ],
)
async def test_a_malformed_authorization_header_is_an_invalid_request(site: Site, value: str) -> None:
    answer = await site.request(value)
    assert answer.status == 400
    assert answer.challenge["error"] == answer.body["error"] == "invalid_request"


async def test_two_authorization_headers_are_refused_even_if_both_are_good(site: Site, issuer: Issuer) -> None:
    token = issuer.token()
    answer = await site.request(f"Bearer {token}", f"Bearer {token}")
    assert answer.status == 400
    assert answer.body["error"] == "invalid_request"


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_token_in_header_and_query_is_refused(site: Site, issuer: Issuer, allowed: bool) -> None:
    token = issuer.token()
    with override_settings(ALLOW_QUERY_TOKEN=allowed):
        answer = await site.request(f"Bearer {token}", path="/sse", query=f"access_token={token}".encode())
    assert answer.status == 400


async def test_two_tokens_in_the_query_are_refused(site: Site, issuer: Issuer) -> None:
    parameter = f"access_token={issuer.token()}"
    with override_settings(ALLOW_QUERY_TOKEN=True):
        answer = await site.request(path="/sse", query=f"{parameter}&{parameter}".encode())
    assert answer.status == 400


# Tokens in the query string


async def test_a_query_token_is_not_accepted_by_default(site: Site, issuer: Issuer) -> None:
    answer = await site.request(path="/sse", query=f"access_token={issuer.token()}".encode())
    assert answer.status == 401
    assert "error" not in answer.challenge
    assert "query string" in answer.body["error_description"]


@pytest.mark.parametrize("name", ["access_token", "access%5Ftoken", "%61ccess_token"])
async def test_a_query_token_that_is_allowed_is_taken_out_of_the_query(site: Site, issuer: Issuer, name: str) -> None:
    with override_settings(ALLOW_QUERY_TOKEN=True):
        answer = await site.request(path="/sse", query=f"a=1&{name}={issuer.token()}&b=%2f".encode())
    assert answer.scope is not None
    assert answer.scope["principal"].subject == "auth0|alice"
    assert answer.scope["query_string"] == b"a=1&b=%2f"


@pytest.mark.parametrize(
    ("path", "method"), [("/messages/", "GET"), ("/mcp", "GET"), ("/sse", "POST"), ("/sse/", "GET")]
)
async def test_a_query_token_is_accepted_on_get_sse_only(site: Site, issuer: Issuer, path: str, method: str) -> None:
    with override_settings(ALLOW_QUERY_TOKEN=True):
        answer = await site.request(path=path, method=method, query=f"access_token={issuer.token()}".encode())
    assert answer.status == 401


@FUZZ
@given(query=st.binary(max_size=60))
def test_any_query_without_a_token_is_left_as_it_is(query: bytes) -> None:
    tokens, rest = split_query(query)
    assert tokens == []
    assert rest == query


# The token's fault


async def test_a_refused_token_is_challenged_with_its_reason(site: Site, issuer: Issuer) -> None:
    answer = await site.request(f"Bearer {issuer.token(aud='https://other.example.com')}")
    assert answer.status == 401
    assert answer.challenge["error"] == "invalid_token"
    assert "https://other.example.com" in answer.challenge["error_description"]
    assert answer.challenge["resource_metadata"] == conf().resource_metadata_url("/messages/")
    assert answer.body == {"error": "invalid_token", "error_description": answer.challenge["error_description"]}


@pytest.mark.parametrize(
    "value", ['a"b\\c', 'x", error="insufficient_scope', "a\r\nSet-Cookie: a=b", "é" * 300, "a" * 5_000]
)
@pytest.mark.parametrize("claim", ["iss", "aud", "typ"])
async def test_what_a_token_says_cannot_break_out_of_the_challenge(
    site: Site, issuer: Issuer, claim: str, value: str
) -> None:
    answer = await site.request(f"Bearer {issuer.token(**{claim: value})}")
    assert answer.challenge.keys() == {"error", "error_description", "resource_metadata"}
    assert len(answer.headers[b"www-authenticate"]) < 700


async def test_no_answer_repeats_the_token(site: Site, issuer: Issuer) -> None:
    forged = issuer.sign(issuer.claims(), key=private_key("EdDSA", 9))
    for token in (forged, issuer.token(exp=1), "opaque-secret", "e30.c2VjcmV0.secret"):
        answer = await site.request(f"Bearer {token}")
        text = f"{answer.headers} {answer.body}"
        assert answer.status == 401
        assert not any(part in text for part in token.split(".") if len(part) > 3)


# Our fault


async def test_an_unreachable_issuer_is_answered_with_try_again(site: Site, issuer: Issuer) -> None:
    issuer.behaviour = "down"
    answer = await site.request(f"Bearer {issuer.token()}")
    assert answer.status == 503
    assert 1 <= int(answer.headers[b"retry-after"]) <= 10
    assert b"www-authenticate" not in answer.headers
    assert answer.body["error"] == "temporarily_unavailable"


# Logs


async def test_logs_say_why_and_never_hold_the_token(
    site: Site, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    token = issuer.token(exp=1)
    with caplog.at_level(logging.DEBUG), override_settings(ALLOW_QUERY_TOKEN=True):
        await site.request(f"Bearer {token}")
        await site.request(path="/sse", query=f"access_token={token}".encode())
        await site.request(path="/sse", query=f"access_token={issuer.token()}".encode())
    assert "Expired" in caplog.text
    assert not any(part in caplog.text for part in token.split("."))


# Every error


def every_error(root: type[errors.AuthenticationError] = errors.AuthenticationError) -> Iterator[type[Exception]]:
    yield root
    for each in root.__subclasses__():
        yield from every_error(each)


EVIL = 'evil"\\\r\n\x00é' * 200
EXAMPLES: dict[type[Exception], Callable[[], errors.AuthenticationError]] = {
    errors.AuthenticationError: lambda: errors.AuthenticationError(EVIL[:50]),
    errors.InvalidRequest: lambda: errors.InvalidRequest(EVIL[:50]),
    errors.InvalidToken: lambda: errors.InvalidToken(EVIL[:50]),
    errors.UnsupportedScheme: lambda: errors.UnsupportedScheme(),
    errors.TokenTooLarge: lambda: errors.TokenTooLarge(20_000, 16_384),
    errors.OpaqueToken: lambda: errors.OpaqueToken(1),
    errors.MalformedToken: lambda: errors.MalformedToken("header", "names no algorithm"),
    errors.WrongAlgorithm: lambda: errors.WrongAlgorithm(EVIL, ["RS256"]),
    errors.UnknownIssuer: lambda: errors.UnknownIssuer(EVIL),
    errors.UnknownKey: lambda: errors.UnknownKey("https://issuer", EVIL, "RS256"),
    errors.BadSignature: lambda: errors.BadSignature(EVIL),
    errors.WrongType: lambda: errors.WrongType(EVIL),
    errors.MissingClaim: lambda: errors.MissingClaim("sub"),
    errors.BadClaim: lambda: errors.BadClaim("sub", "must be printable text"),
    errors.WrongAudience: lambda: errors.WrongAudience([EVIL] * 100, [EVIL] * 100),
    errors.WrongApplication: lambda: errors.WrongApplication(EVIL),
    errors.Expired: lambda: errors.Expired(1, 2.0),
    errors.NotYetValid: lambda: errors.NotYetValid("nbf", 2, 1.0),
    errors.IssuerUnavailable: lambda: errors.IssuerUnavailable(EVIL, 10),
}


@pytest.mark.parametrize("kind", list(every_error()), ids=lambda kind: kind.__name__)
def test_every_error_makes_a_legal_challenge_of_bounded_length(kind: type[errors.AuthenticationError]) -> None:
    error = EXAMPLES.get(kind, kind)()
    value = challenge(error, "invalid_token", "https://mcp.example.com/").decode("ascii")
    assert CHALLENGE.fullmatch(value)
    assert len(value) < 600


def test_the_tree_in_the_documentation_is_the_tree() -> None:
    documented = re.findall(r"^ +[x+-] (\w+)", errors.__doc__ or "", re.MULTILINE)
    assert documented == [kind.__name__ for kind in every_error()][1:]
