"""Let in only requests with a verified access token, and answer all others. Raw ASGI; decides nothing about tools."""

import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from authz_app.conf import conf
from authz_app.core.asgi import ASGIApp, Receive, Scope, Send, host_of, send_json
from authz_app.tokens import errors
from authz_app.tokens.verifier import TokenVerifier

QUERY_PARAMETER = "access_token"
_OF_TOKENS = (string.ascii_letters + string.digits + "-._~+/").encode()


# A refusal as JSON: where it is sent, with which status, its code, and its sentence.
BodyOf = Callable[[Scope, int, str, str], Mapping[str, object]]


def oauth_body(scope: Scope, status: int, code: str, sentence: str) -> Mapping[str, object]:
    """A refusal as OAuth has it (RFC 6749 section 5.2)."""
    return {"error": code, "error_description": sentence}


class BearerTokenMiddleware:
    """Hands ``app`` only HTTP requests that prove who sends them, with ``scope["principal"]`` set.

    ``verifier`` is called for each request, so that changed settings count at once, and ``refused`` for each refusal,
    whose body is made by ``body_of``. What is not HTTP passes through without a principal.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: Callable[[], TokenVerifier],
        refused: Callable[[Scope, errors.AuthenticationError], object],
        body_of: BodyOf = oauth_body,
    ) -> None:
        self.app = app
        self._body_of = body_of
        self._verifier = verifier
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            presented = read_token(scope, conf().allow_query_token)
            principal = await self._verifier().verify(presented.token)
        except errors.AuthenticationError as error:
            self._refused(scope, error)
            await refuse(send, error, conf().resource_metadata_url(scope["path"], host_of(scope)), scope, self._body_of)
            return
        await self.app({**scope, "query_string": presented.query_string, "principal": principal}, receive, send)


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An access token as it came, and the query string without it."""

    token: str
    query_string: bytes


def read_token(scope: Scope, allow_query_token: bool) -> PresentedToken:
    """The one access token of a request.

    Raises:
        MissingToken: there is none in an accepted place.
        InvalidRequest: there is more than one, or it is malformed.
    """
    headers = [value for name, value in scope["headers"] if name == b"authorization"]
    in_query, query_string = split_query(scope["query_string"])
    if len(headers) + len(in_query) > 1:
        raise errors.SeveralTokens
    if headers:
        return PresentedToken(_bearer_token(headers[0]), query_string)
    if not in_query:
        raise errors.MissingToken
    if not (allow_query_token and scope["method"] == "GET" and scope["path"] == "/sse"):
        raise errors.QueryTokenNotAccepted
    return PresentedToken(in_query[0], query_string)


def split_query(query_string: bytes) -> tuple[list[str], bytes]:
    """The access tokens in a query string, and what is left of it, byte for byte."""
    if b"%" not in query_string and QUERY_PARAMETER.encode() not in query_string:
        return [], query_string
    tokens, others = [], []
    for field in query_string.split(b"&"):
        name, _, value = field.decode("latin-1").partition("=")
        if unquote_plus(name) == QUERY_PARAMETER:
            tokens.append(unquote_plus(value))
        else:
            others.append(field)
    return tokens, b"&".join(others)


def _bearer_token(header: bytes) -> str:
    """RFC 6750 section 2.1: the scheme, in any case (RFC 9110 section 11.1), spaces, and a b64token."""
    scheme, _, rest = header.strip(b" \t").partition(b" ")
    if scheme.lower() not in (b"bearer", b""):
        raise errors.UnsupportedScheme
    token = rest.lstrip(b" ")
    if not scheme or not token or token.startswith(b"=") or token.rstrip(b"=").translate(None, _OF_TOKENS):
        raise errors.MalformedAuthorization
    return token.decode("ascii")


async def refuse(
    send: Send,
    error: errors.AuthenticationError,
    resource_metadata_url: str,
    scope: Scope | None = None,
    body_of: BodyOf = oauth_body,
) -> None:
    """Answer as RFC 6750 section 3 has it: 400, 401, or 503 where the token is not to blame."""
    status, code = _answer(error)
    headers = [(b"www-authenticate", challenge(error, code, resource_metadata_url))]
    if isinstance(error, errors.IssuerUnavailable):
        headers = [(b"retry-after", str(error.retry_after).encode("ascii"))]
    await send_json(send, status, body_of(scope or {}, status, code, errors.quotable(str(error))), headers)


def _answer(error: errors.AuthenticationError) -> tuple[int, str]:
    match error:
        case errors.IssuerUnavailable():
            return 503, "temporarily_unavailable"
        case errors.InvalidRequest():
            return 400, "invalid_request"
        case errors.InvalidToken():
            return 401, "invalid_token"
        case _:
            return 401, "unauthorized"


def challenge(error: errors.AuthenticationError, code: str, resource_metadata_url: str) -> bytes:
    """The WWW-Authenticate answer. Who sent no token made no error (RFC 6750 section 3.1), and learns where to log in
    (RFC 9728 section 5.1)."""
    attributes = {"error": code, "error_description": str(error)} if not isinstance(error, errors.MissingToken) else {}
    return _bearer({**attributes, "resource_metadata": resource_metadata_url})


def scope_challenge(token_scopes: Iterable[str], description: str, resource_metadata_url: str) -> bytes:
    """The WWW-Authenticate answer to a token that lacks scopes: names all that the request needs, not only those
    (RFC 6750 section 3.1)."""
    return _bearer(
        {
            "error": "insufficient_scope",
            "scope": " ".join(sorted(token_scopes)),
            "error_description": description,
            "resource_metadata": resource_metadata_url,
        }
    )


def _bearer(attributes: Mapping[str, str]) -> bytes:
    quoted = ", ".join(f'{name}="{errors.quotable(value)}"' for name, value in attributes.items())
    return f"Bearer {quoted}".encode("ascii")
