"""Checks where an HTTP request comes from, and reads its body within limits."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from django.http.request import validate_host

from authz_app.conf import AuthzConf
from authz_app.core.addresses import nearest_untrusted
from authz_app.core.asgi import Receive, Scope
from tools_app.wire import jsonrpc


class RequestRefused(Exception):
    """A request is refused with this HTTP ``status``; ``error`` is a code, the message a sentence.

    ``recorded``: a record is written of it already.
    """

    recorded = False

    def __init__(self, status: int, error: str, message: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.headers = tuple(headers)


# Where the scope has the message of the body, once that is read.
MESSAGE = "mcp_message"


def refusal_body(
    scope: Scope, status: int, error: str, sentence: str, more: Mapping[str, object] = MappingProxyType({})
) -> Mapping[str, object]:
    """The body of a refusal: clients of Streamable HTTP show a JSON-RPC error, and nothing else, to whoever waits."""
    if not scope["path"].startswith("/mcp"):
        return {"error": error, "error_description": sentence, **more}
    code = jsonrpc.SERVER_BUSY if status in (429, 503) else jsonrpc.INVALID_REQUEST
    message = scope.get(MESSAGE)
    request_id = message.id if isinstance(message, jsonrpc.Request) else None
    return jsonrpc.error_of(request_id, code, sentence, {"error": error, **more})


def method_not_allowed(text: str, *allowed: str) -> RequestRefused:
    """The refusal of an HTTP method; ``text`` says what the ``allowed`` ones do (RFC 9110 section 15.5.6)."""
    return RequestRefused(405, "method_not_allowed", text, [(b"allow", ", ".join(allowed).encode())])


class BadMessage(Exception):
    """A body is not a message; it is answered with a JSON-RPC error of this ``code``.

    ``id`` is what of its id can be read, and ``request`` the request that it would have been.
    """

    def __init__(self, code: int, message: str, value: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.id = jsonrpc.refused_id(value)
        self.request = jsonrpc.refused_request(value)


def header_values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


_WRONG_ORIGIN = (
    "Requests from web pages of another origin are not accepted. The setting ALLOWED_ORIGINS names those that are."
)


def check_origin(scope: Scope, allowed_hosts: Iterable[str], allowed_origins: Iterable[str]) -> None:
    """Refuse requests that a web page of another site could have made (DNS rebinding; MCP, Transports, Security).

    Raises:
        RequestRefused: the Host is not this site's (421), or an Origin is there that is not allowed (403).
    """
    hosts = header_values(scope, b"host")
    if len(hosts) != 1 or not _is_host_allowed(hosts[0], tuple(allowed_hosts)):
        raise RequestRefused(421, "wrong_host", "The Host header does not name this site; see PUBLIC_URL.")
    origins = header_values(scope, b"origin")
    if origins and (len(origins) != 1 or not _is_origin_allowed(origins[0], allowed_hosts, allowed_origins)):
        raise RequestRefused(403, "wrong_origin", _WRONG_ORIGIN)


@lru_cache(maxsize=256)
def _is_host_allowed(host: str, allowed_hosts: tuple[str, ...]) -> bool:
    name, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
    return (not port or port.isdigit()) and validate_host(name.lower(), list(allowed_hosts))


def _is_origin_allowed(origin: str, allowed_hosts: Iterable[str], allowed_origins: Iterable[str]) -> bool:
    if origin in allowed_origins:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    # A page that this machine serves may call a site on this machine: the developer's own tools do.
    return parts.scheme == "http" and _LOOPBACK.get(parts.hostname or "") in {*allowed_hosts}


_LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "localhost", "::1": "[::1]"}


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read the whole body.

    Raises:
        RequestRefused: it is larger than ``limit`` bytes (413), or the client left before its end (400).
    """
    for length in header_values(scope, b"content-length"):
        if not (length.isascii() and length.isdigit()) or int(length[:20]) > limit:
            raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RequestRefused(400, "incomplete", "The request ended before its body did.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused(413, "too_large", f"The body is larger than {limit} bytes (MAX_BODY_BYTES).")


def check_is_json(scope: Scope) -> None:
    """Refuse a body that does not say it is JSON; a web page cannot say so without asking first (CORS).

    Raises:
        RequestRefused: the Content-Type is another one, or it is compressed (415; RFC 9110 section 12.5.3).
    """
    codings = ",".join(header_values(scope, b"content-encoding"))
    if any(coding.strip().lower() not in ("", "identity") for coding in codings.split(",")):
        text = "The body is compressed, which is not read here. Send it as it is, without Content-Encoding."
        raise RequestRefused(415, "compressed", text, [(b"accept-encoding", b"identity")])
    types = header_values(scope, b"content-type")
    if len(types) != 1 or types[0].partition(";")[0].strip().lower() != "application/json":
        raise RequestRefused(415, "not_json", "Send the message with Content-Type: application/json.")


def client_address(scope: Scope, configuration: AuthzConf) -> str:
    """The address that the request came from: the nearest one that is not a trusted proxy's."""
    peer: str = (scope.get("client") or ["", 0])[0]
    if not configuration.trusted_proxies:
        return nearest_untrusted(peer, (), ())
    return nearest_untrusted(
        peer,
        header_values(scope, b"x-forwarded-for"),
        configuration.trusted_proxies,
        header_values(scope, b"forwarded"),
    )
