"""Where a request to a page came from."""

from django.http import HttpRequest

from authz_app.conf import conf
from authz_app.core.addresses import nearest_untrusted


def request_address(request: HttpRequest) -> str:
    """Its address; behind a trusted proxy the one that the proxy saw."""
    forwarded_for = [value for value in [request.META.get("HTTP_X_FORWARDED_FOR")] if value]
    return nearest_untrusted(request.META.get("REMOTE_ADDR") or "", forwarded_for, conf().trusted_proxies)
