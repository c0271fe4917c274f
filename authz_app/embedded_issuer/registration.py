"""Check OAuth applications that register themselves, and forget those that nobody uses.

They come by dynamic registration (RFC 7591) or by a client ID metadata document. Their descriptions of themselves are
not verified, and the pages that show them say so.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from allauth.idp.oidc.models import Client as OAuthApplication
from django.core.exceptions import ValidationError
from django.utils import timezone

from authz_app.web_address import is_loopback

GRANTS = ("authorization_code", "refresh_token", OAuthApplication.GrantType.DEVICE_CODE.value)
# Marks in the application's own data. allauth writes the first; the second says that somebody has consented to it.
REGISTERED, DOCUMENT, USED = "dcr", "cimd", "used"
_UNUSED_KEPT = timedelta(days=1)
_FORGOTTEN_AT_ONCE = 200

MOST_REDIRECT_URIS = 20
_LONGEST_URI = 500
# What a browser would run, open on this machine, or take for a page of this site.
_UNSAFE_SCHEMES = frozenset(
    {"about", "blob", "chrome", "chrome-extension", "data", "file", "filesystem", "ftp", "ftps", "intent", "jar"}
    | {"javascript", "jnlp", "mailto", "resource", "search", "search-ms", "shell", "sms", "tel", "vbscript"}
    | {"view-source", "ws", "wss"}
)
_WINDOWS_OWN = "ms-"  # ms-msdt:, ms-settings: and their like, which start its tools
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,50}")
_VISIBLE = re.compile(r"[!-~]+")


def registered_itself(application: OAuthApplication) -> bool:
    """Whether the application described itself, and no administrator did."""
    data = application.data if isinstance(application.data, dict) else {}
    return bool(data.get(REGISTERED) or data.get(DOCUMENT))


def check(application: OAuthApplication) -> None:
    """Refuse a registration that could be turned against people, and take the rights out that it gives itself.

    Raises:
        ValidationError: it cannot be registered like this.
    """
    if not application.name.isprintable():
        raise ValidationError("client_name must be printable text.")
    check_redirect_uris(application.get_redirect_uris())
    # It may be meant for many servers: what this one does not offer is left out (RFC 7591 section 3.2.1).
    grants = [grant for grant in application.get_grant_types() if grant in GRANTS]
    if not grants or OAuthApplication.ResponseType.CODE not in application.get_response_types():
        raise ValidationError(f"grant_types must hold one of {', '.join(GRANTS)}, and response_types must hold code.")
    application.set_grant_types(grants)
    application.set_response_types([OAuthApplication.ResponseType.CODE.value])
    application.name = application.name.strip() or "Unnamed application"
    application.data = {mark: True for mark in (REGISTERED, DOCUMENT) if (application.data or {}).get(mark)}
    application.set_scopes([])
    application.skip_consent = application.allow_uri_wildcards = False


def check_redirect_uris(uris: Sequence[str]) -> None:
    """Refuse addresses that a person must not be sent to with a code.

    Raises:
        ValidationError: one of them is not https, nor http to the person's own machine, nor an app's own scheme.
    """
    if not 1 <= len(uris) <= MOST_REDIRECT_URIS:
        raise ValidationError(f"redirect_uris must hold 1 to {MOST_REDIRECT_URIS} addresses.")
    for uri in uris:
        if (wrong := _what_is_wrong(uri)) is not None:
            raise ValidationError(f"A redirect URI {wrong}.")


def _what_is_wrong(uri: str) -> str | None:
    if len(uri) > _LONGEST_URI or not _VISIBLE.fullmatch(uri) or "\\" in uri or "*" in uri or "#" in uri:
        return "must be a plain absolute URI without fragment, wildcard or backslash"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is malformed"
    unsafe = parts.scheme in _UNSAFE_SCHEMES or parts.scheme.startswith(_WINDOWS_OWN)
    if unsafe or not _SCHEME.fullmatch(parts.scheme):
        return "has a scheme that is not accepted"
    if "@" in parts.netloc:
        return "must not hold a user name or password"
    if parts.scheme in ("http", "https") and not host:
        return "must name a host"
    if parts.scheme == "http" and not is_loopback(host):
        return "must be https, or http to the person's own machine (RFC 8252 section 7.3)"
    return None


def redirect_uri_matches(requested: str, registered: str) -> bool:
    """Whether a request may name ``requested`` where ``registered`` was registered.

    They are equal, or differ in nothing but the port on the person's own machine (RFC 8252 section 7.3): an app there
    takes whichever port is free.
    """
    if requested == registered:
        return True
    if not requested.isprintable() or "\\" in requested:
        return False
    try:
        one, other = urlsplit(requested), urlsplit(registered)
        _ = one.port
    except ValueError:
        return False
    if not (one.scheme == other.scheme == "http" and is_loopback(one.hostname) and "@" not in one.netloc):
        return False
    at_that_port = registered.replace(f"//{other.netloc}", f"//{one.netloc}", 1)
    return requested == at_that_port and one.hostname == other.hostname


def mark_used(application: OAuthApplication) -> None:
    """Note that somebody consented to the application, so that it is kept."""
    if registered_itself(application) and not application.data.get(USED):
        application.data = {**application.data, USED: True}
        application.save(update_fields=["data"])


def forget_unused() -> None:
    """Delete some of the applications that registered themselves a while ago and that nobody ever consented to."""
    old = OAuthApplication.objects.filter(
        **{f"data__{REGISTERED}": True}, created_at__lt=timezone.now() - _UNUSED_KEPT, scopes=""
    ).exclude(data__has_key=USED)
    OAuthApplication.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE])).delete()
