"""Tells the access log who asked: whom the records name, and not the proxy in front."""

from typing import Any

from authz_app.conf import conf
from authz_app.core.addresses import nearest_untrusted


def show(request: Any) -> None:
    """Put the caller's address where Daphne, when the response is complete, reads the one that it logs.

    To be called once the application has its scope, which has the other end of the connection.
    """
    if request.client_addr is None:
        return
    peer, port = request.client_addr
    proxies = conf().trusted_proxies
    if not proxies and ":" not in peer:
        return
    caller = nearest_untrusted(peer, _sent(request, b"x-forwarded-for"), proxies, _sent(request, b"forwarded"))
    # Whoever is behind a proxy has a port that only the proxy knows.
    known = port if caller == nearest_untrusted(peer, (), ()) else 0
    request.client_addr = [f"[{caller}]" if ":" in caller else caller, known]


def _sent(request: Any, name: bytes) -> list[str]:
    return [value.decode("latin-1") for value in request.requestHeaders.getRawHeaders(name, [])]
