"""Reads the address of an MCP server from what a person types. Connects to nothing."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from tools_app.mcp_client.errors import Unusable

TransportName = Literal["sse", "streamable"]
TRANSPORTS: tuple[TransportName, ...] = ("sse", "streamable")
_USUAL_PATHS: dict[TransportName, str] = {"sse": "/sse", "streamable": "/mcp"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's URL, and the transport that it speaks there: HTTP+SSE or Streamable HTTP."""

    url: str
    transport: TransportName


def endpoint(text: str, transport: TransportName | None = None) -> Endpoint:
    """The endpoint that ``text`` means.

    A path that ends in ``/sse`` is HTTP+SSE, every other is Streamable HTTP, unless ``transport`` says otherwise. With
    no path, it is the transport's usual one on that host.

    Raises:
        Unusable: it is no http or https URL.
    """
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Unusable(f"{text!r} is not the address of a server. Give one like http://127.0.0.1:8000.")
    if parts.username or parts.password:
        raise Unusable("The address must not hold a user name or password; the token is given with --token.")
    spoken = transport or ("sse" if parts.path.rstrip("/").endswith("/sse") else "streamable")
    path = parts.path if parts.path.strip("/") else _USUAL_PATHS[spoken]
    return Endpoint(parts._replace(path=path, fragment="").geturl(), spoken)


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
