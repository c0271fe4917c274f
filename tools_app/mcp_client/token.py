"""Gets the access token that the client sends: as given, or by client credentials (RFC 6749 section 4.4).

The client secret goes to the token endpoint and nowhere else: no message repeats it.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from authz_app.core.outbound import BoundedFetch, OutboundError, OutboundResponse
from authz_app.web_address import is_secure_url
from tools_app.mcp_client.address import origin
from tools_app.mcp_client.errors import Refused, Unusable
from tools_app.mcp_client.terminal import one_line

_SECONDS = 10.0
_MAX_BYTES = 65_536
# RFC 6750 section 2.1, "b64token".
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")

NO_TOKEN = """\
No access token was given. There are four ways to have one:
  --login: log in with the browser
  --token T, or MCP_TOKEN in the environment: a token you hold; --token - reads it from standard input
  manage.py access_token: prints one of this site's embedded issuer, to be given in that way
  AUTH0_DOMAIN, CLIENT_ID, CLIENT_SECRET and AUTH_AUDIENCE in the environment or .env: fetched from Auth0"""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A client credentials request. ``target`` says what the token is for, in the authorization server's own word."""

    endpoint: str
    client_id: str
    client_secret: str = field(repr=False)
    target: tuple[str, str]


def typed_token(typed: str) -> str:
    """The token that a person typed as an option, where ``-`` stands for standard input.

    Raises:
        Unusable: it is no access token, or there is no standard input.
    """
    if typed == "-" and sys.stdin is None:
        raise Unusable("There is no standard input to read the token from.")
    return given_token(sys.stdin.readline() if typed == "-" else typed)


def given_token(text: str) -> str:
    """The token in ``text``, as typed or piped.

    Raises:
        Unusable: it is no access token.
    """
    token = text.strip().removeprefix("Bearer ").strip()
    if not _TOKEN.fullmatch(token):
        raise Unusable("The token given is empty or has characters that no access token has.")
    return token


def fetched_token(url: str, environ: Mapping[str, str]) -> str:
    """An access token for the MCP server at ``url``, by the client credentials in ``environ``.

    Raises:
        ClientError: they are missing or incomplete, or no token could be had for them.
    """
    request = token_request(url, environ)
    form = {
        "grant_type": "client_credentials",
        "client_id": request.client_id,
        "client_secret": request.client_secret,
        request.target[0]: request.target[1],
    }
    answer = _ask(requests.Request("POST", request.endpoint, data=form), "for an access token")
    match _json(answer.body):
        case {"access_token": str(token)} if answer.status == 200:
            return given_token(token)
        case {"error": str(code), "error_description": str(description)}:
            explanation = f"{code}: {description}"
        case {"error": str(code)}:
            explanation = code
        case _:
            explanation = "its answer holds no token"
    hidden = one_line(explanation.replace(request.client_secret, "..."))
    raise Refused(f"{origin(request.endpoint)} issues no access token (HTTP {answer.status}, {hidden}).")


def token_request(url: str, environ: Mapping[str, str]) -> TokenRequest:
    """The request for a token: to Auth0 if its domain is set, else to the embedded issuer of the site at ``url``.

    Raises:
        ClientError: something is missing, or the site has no issuer.
    """
    client_id, client_secret = environ.get("CLIENT_ID", ""), environ.get("CLIENT_SECRET", "")
    domain = environ.get("AUTH0_DOMAIN", "").removeprefix("https://").strip("/")
    if not client_id and not client_secret:
        raise Unusable(NO_TOKEN)
    if not client_id or not client_secret:
        raise Unusable(f"{'CLIENT_SECRET' if client_id else 'CLIENT_ID'} is not set, and is needed to fetch a token.")
    if not domain:
        return TokenRequest(_embedded_endpoint(url), client_id, client_secret, ("resource", url))
    # The server accepts several audiences, separated by commas; a token is asked for one.
    audience = environ.get("AUTH_AUDIENCE", "").partition(",")[0].strip()
    if not audience:
        raise Unusable("AUTH_AUDIENCE is not set. Auth0 needs the API's identifier, or its token is opaque.")
    return TokenRequest(f"https://{domain}/oauth/token", client_id, client_secret, ("audience", audience))


def _embedded_endpoint(url: str) -> str:
    """The token endpoint of the site itself (OpenID Connect Discovery 1.0, section 4)."""
    site = origin(url)
    answer = _ask(requests.Request("GET", f"{site}/.well-known/openid-configuration"), "where to get a token")
    match _json(answer.body):
        case {"token_endpoint": str(endpoint)} if answer.status == 200:
            pass
        case _:
            raise Unusable(
                f"{site} has no embedded issuer (HTTP {answer.status})."
                " If the token is to come from Auth0, set AUTH0_DOMAIN."
            )
    if not is_secure_url(site) or not is_secure_url(endpoint):
        raise Unusable(f"The client secret is not sent to {one_line(endpoint)}: it could be read on the way there.")
    return endpoint


def _ask(request: requests.Request, what: str) -> OutboundResponse:
    host = urlsplit(request.url).netloc
    reason = ""
    try:
        return BoundedFetch(_SECONDS, _MAX_BYTES).send(request)
    except OutboundError as error:
        reason = error.reason
    raise Unusable(
        {
            "timeout": f"{host} was asked {what} and did not answer within {_SECONDS:g} seconds.",
            "too_large": f"{host} was asked {what} and sent far too much.",
            "unreachable": f"{host} cannot be reached to ask it {what}.",
            "untrusted": f"{host} has a certificate that is not trusted. Set REQUESTS_CA_BUNDLE to the file of its CA.",
        }[reason]
    )


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
