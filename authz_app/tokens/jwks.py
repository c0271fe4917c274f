"""Fetch the JWK Set of an issuer (RFC 7517), from where it is configured or discovered. Blocks: for a thread."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests

from authz_app.core.outbound import BoundedFetch, OutboundError, OutboundResponse
from authz_app.issuers import TrustedIssuer
from authz_app.tokens.discovery import NoDocument, address, jwks_uri, misfit_without_document
from authz_app.tokens.errors import shown
from authz_app.tokens.key_set import IssuerMisfit, KeySetError
from authz_app.web_address import is_loopback

Fetch = Callable[[str, float], Any]

FETCH_SECONDS = 3.0
MAX_DOCUMENT_BYTES = 524_288


def fetch_json(url: str, seconds: float) -> Any:
    """GET a small JSON document, giving up after ``seconds``. Its address may be a private one: it is configured.

    Raises:
        NoDocument: there is none, or a redirect in its stead.
        KeySetError: it could not be had within the limits on time and size.
    """
    response = _get(url, seconds)
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError) as error:
        raise NoDocument(f"answered with something that is no JSON at {shown(url)}") from error


def _get(url: str, seconds: float) -> OutboundResponse:
    # What is plain HTTP because it stays on this machine must not go through a proxy.
    is_local = is_loopback(urlsplit(url).hostname)
    fetch = BoundedFetch(seconds, MAX_DOCUMENT_BYTES, use_proxy=not is_local)
    try:
        response = fetch.send(requests.Request("GET", url, headers={"Accept": "application/json"}))
    except OutboundError as error:
        raise _failure(error, url) from error
    if response.status != requests.codes.ok:
        raise _answered(response.status, url)
    return response


def _failure(error: OutboundError, url: str) -> KeySetError:
    if error.status not in (None, requests.codes.ok):
        return _answered(error.status, url)
    if error.reason == "untrusted":
        return IssuerMisfit(
            f"has a certificate at {shown(url)} that is not trusted ({error.cause}). If its CA is your own, set"
            " REQUESTS_CA_BUNDLE to the CA's file"
        )
    if error.reason == "too_large":
        return KeySetError(f"answered with more than {MAX_DOCUMENT_BYTES} bytes at {shown(url)}")
    return KeySetError(f"could not be reached at {shown(url)} ({error.cause})")


def _answered(status: int | None, url: str) -> KeySetError:
    # 408 and 429 say to come again, and 5xx that the issuer is not well.
    kind = NoDocument if status is not None and 300 <= status < 500 and status not in (408, 429) else KeySetError
    return kind(f"answered {status} at {shown(url)}")


def remote_keys(issuer: TrustedIssuer, seconds: float = FETCH_SECONDS, fetch: Fetch = fetch_json) -> Any:
    """Fetch an issuer's JWK Set, from where it is configured or discovered, within ``seconds`` in all.

    Raises:
        IssuerMisfit: the settings do not fit the issuer.
        KeySetError: it could not be had.
    """
    deadline = time.monotonic() + seconds

    def fetch_in_time(url: str) -> Any:
        return fetch(url, max(0.001, deadline - time.monotonic()))

    if issuer.jwks_uri:
        return fetch(issuer.jwks_uri, seconds)
    try:
        document = fetch(address(issuer.issuer), seconds)
    except NoDocument as missing:
        raise misfit_without_document(issuer.issuer, fetch_in_time, missing) from missing
    return fetch_in_time(jwks_uri(issuer.issuer, document))
