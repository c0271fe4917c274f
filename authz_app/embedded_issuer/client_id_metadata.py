"""Read the documents of OAuth applications whose client ID is the https address of a document.

https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/ . A stranger chooses the address, so the
document is fetched within bounds, without redirects, from public addresses alone, and only for somebody signed in.
"""

import json
import logging
import time
from contextlib import suppress
from typing import Any

import requests
from allauth.core.internal import ratelimit
from allauth.idp.oidc.internal import cimd
from allauth.idp.oidc.models import Client as OAuthApplication
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest
from redis.exceptions import RedisError

from authz_app.core.addresses import is_public
from authz_app.core.failure_log import FailureLog
from authz_app.core.outbound import BoundedFetch, OutboundError
from authz_app.embedded_issuer.registration import check

logger = logging.getLogger(__name__)
_failures = FailureLog(logger, "Client id metadata documents can be fetched again.")

FETCH_SECONDS = 3.0
MAX_DOCUMENT_BYTES = 8_192
GOOD_FOR_SECONDS = 3600
_FETCHED = "fetched_at"
# In the cache for a day after no document could be fetched, until one was.
_OUT_OF_REACH, _DAY = "client-id-metadata.out-of-reach", 86_400
_NO_WAY_OUT = (
    "A client id metadata document could not be fetched lately, so its application logs nobody in. Where this site has"
    " no way out to the internet, set CLIENT_ID_METADATA_DOCUMENTS=false: such clients then register themselves."
)
_WHY_NOT = {
    "timeout": "did not answer in time",
    "too_large": "answered with more than a description can hold",
    "unreachable": "could not be reached",
    "untrusted": "has a certificate that is not trusted",
    "forbidden": "is at an address that this site does not connect to",
}


class DocumentRefused(Exception):
    """The application's description cannot be had or used; ``str()`` is a sentence for a person."""


def keep_current(request: HttpRequest, client_id: str) -> None:
    """Read the document that a client ID is the address of into its row, unless it was read within the hour.

    Raises:
        DocumentRefused: there is no row yet, and no usable document.
    """
    if not client_id.startswith("https:"):
        return
    stored = OAuthApplication.objects.filter(pk=client_id).first()
    if stored is not None and not (settings.CLIENT_ID_METADATA_DOCUMENTS and _is_due(stored)):
        return
    if not settings.CLIENT_ID_METADATA_DOCUMENTS:
        raise DocumentRefused(
            "This site reads no documents of applications, so it does not know this one. It can register itself here."
        )
    try:
        _store(stored, _read(request, client_id))
    except DocumentRefused as refused:
        if stored is None:
            raise
        logger.warning("The description of an OAuth application was not renewed: %s", refused)


def notices() -> list[str]:
    """Sentences for whoever runs the site, while documents are offered and cannot be fetched."""
    if settings.LOCAL_ISSUER and settings.CLIENT_ID_METADATA_DOCUMENTS:
        with suppress(RedisError):  # Its own outage is told elsewhere.
            return [_NO_WAY_OUT] if cache.get(_OUT_OF_REACH) else []
    return []


def _is_due(stored: OAuthApplication) -> bool:
    data = stored.data if isinstance(stored.data, dict) else {}
    # What an administrator switched off stays so.
    return bool(stored.get_grant_types()) and time.time() - data.get(_FETCHED, 0) > GOOD_FOR_SECONDS


def _read(request: HttpRequest, client_id: str) -> OAuthApplication:
    try:
        parsed = cimd.validate_client_id(client_id)
        _ = parsed.port
        application = cimd.validate_metadata(client_id, parsed, _fetched(request, client_id))
        if application.data["client_metadata"].get("token_endpoint_auth_method", "none") != "none":
            raise ValidationError("token_endpoint_auth_method can only be none.")
        check(application)
    except ValidationError as error:
        raise DocumentRefused(f"The application's description cannot be used: {error.messages[0]}") from error
    except ValueError as error:
        raise DocumentRefused("The application's client ID is no address.") from error
    application.data[_FETCHED] = int(time.time())
    return application


def _fetched(request: HttpRequest, client_id: str) -> Any:
    if not ratelimit.consume(request, app="allauth.idp.oidc", action="cimd_fetch", limit_get=True):
        raise ValidationError("too many were fetched in the last minute; try again in a minute.")
    try:
        response = BoundedFetch(FETCH_SECONDS, MAX_DOCUMENT_BYTES, _may_reach).send(requests.Request("GET", client_id))
    except OutboundError as error:
        if error.reason in ("timeout", "unreachable", "untrusted"):
            cache.set(_OUT_OF_REACH, True, _DAY)
            _failures.failed(
                "A client id metadata document could not be fetched: its address %s.", _WHY_NOT[error.reason]
            )
        raise ValidationError(f"its address {_WHY_NOT[error.reason]}.") from None
    cache.delete(_OUT_OF_REACH)
    _failures.worked()
    if response.status != 200:
        raise ValidationError(f"its address answered with HTTP status {response.status}.")
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise ValidationError("it is no JSON.") from None


def _may_reach(address: str) -> bool:
    return is_public(address, or_loopback=settings.DEBUG)


def _store(stored: OAuthApplication | None, described: OAuthApplication) -> None:
    """Keep what the application may describe of itself; administrators decide the rest."""
    if stored is None:
        with suppress(IntegrityError):  # Another request read the same document.
            described.save(force_insert=True)
        return
    for name in ("name", "redirect_uris", "grant_types", "response_types"):
        setattr(stored, name, getattr(described, name))
    stored.data = {**(stored.data or {}), **described.data}
    stored.save(update_fields=["name", "redirect_uris", "grant_types", "response_types", "data"])
