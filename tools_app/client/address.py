"""Where the MCP server is, from what a person types. Connects to nothing."""

from urllib.parse import urlsplit

from tools_app.client.errors import Unusable


def sse_url(text: str) -> str:
    """The HTTP+SSE endpoint that ``text`` means: with no path, it is ``/sse`` on that host.

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
    path = parts.path if parts.path.strip("/") else "/sse"
    return parts._replace(path=path, fragment="").geturl()


def origin(url: str) -> str:
    """Scheme, host and port of ``url``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
