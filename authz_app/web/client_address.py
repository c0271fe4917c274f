"""Find the address that a request to a page came from."""

from django.http import HttpRequest

from authz_app.conf import conf
from authz_app.core.addresses import nearest_untrusted


def request_address(request: HttpRequest) -> str:
    """The address of a request; behind a trusted proxy the one that the proxy saw."""
    forwarded_for, forwarded = (
        [value] if (value := request.META.get(name)) else [] for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED")
    )
    peer = request.META.get("REMOTE_ADDR") or ""
    return nearest_untrusted(peer, forwarded_for, conf().trusted_proxies, forwarded)
