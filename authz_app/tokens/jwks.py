"""Fetch the JWK Set of an issuer (RFC 7517), from where it is configured or discovered. Blocks: for a thread."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests

from authz_app.core.outbound import BoundedFetch, OutboundError, OutboundResponse
from authz_app.issuers import TrustedIssuer, is_loopback, is_secure_url
from authz_app.tokens.errors import shown
from authz_app.tokens.key_set import KeySetError

Fetch = Callable[[str, float], Any]

FETCH_SECONDS = 3.0
MAX_DOCUMENT_BYTES = 524_288


def fetch_json(url: str, seconds: float) -> Any:
    """GET a small JSON document, giving up after ``seconds``. Its address may be a private one: it is configured.

    Raises:
        KeySetError: no such document within the limits on time and size, or a redirect in its stead.
    """
    response = _get(url, seconds)
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError) as error:
        raise KeySetError(f"answered with something that is no JSON at {shown(url)}") from error


def _get(url: str, seconds: float) -> OutboundResponse:
    # What is plain HTTP because it stays on this machine must not go through a proxy.
    is_local = is_loopback(urlsplit(url).hostname)
    fetch = BoundedFetch(seconds, MAX_DOCUMENT_BYTES, use_proxy=not is_local)
    try:
        response = fetch.send(requests.Request("GET", url, headers={"Accept": "application/json"}))
    except OutboundError as error:
        raise KeySetError(_failure(error, url)) from error
    if response.status != requests.codes.ok:
        raise KeySetError(f"answered {response.status} at {shown(url)}")
    return response


def _failure(error: OutboundError, url: str) -> str:
    if error.status not in (None, requests.codes.ok):
        return f"answered {error.status} at {shown(url)}"
    if error.reason == "too_large":
        return f"answered with more than {MAX_DOCUMENT_BYTES} bytes at {shown(url)}"
    return f"could not be reached at {shown(url)} ({error.cause})"


def remote_keys(issuer: TrustedIssuer, seconds: float = FETCH_SECONDS, fetch: Fetch = fetch_json) -> Any:
    """Fetch an issuer's JWK Set, from where it is configured or discovered, within ``seconds`` in all.

    Raises:
        KeySetError: it could not be had.
    """
    deadline = time.monotonic() + seconds
    discovery = f"{issuer.issuer.removesuffix('/')}/.well-known/openid-configuration"
    url = issuer.jwks_uri or _discovered(issuer, fetch(discovery, seconds))
    return fetch(url, max(0.001, deadline - time.monotonic()))


def _discovered(issuer: TrustedIssuer, document: Any) -> str:
    """The ``jwks_uri`` of a discovery document, once it is sure whose it is (OpenID Connect Discovery section 4.3)."""
    if not isinstance(document, dict) or document.get("issuer") != issuer.issuer:
        raise KeySetError("published a discovery document of another issuer")
    url = document.get("jwks_uri")
    if not isinstance(url, str) or not is_secure_url(url):
        raise KeySetError("published a discovery document without a secure jwks_uri")
    return url
