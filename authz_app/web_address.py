"""Read the http and https addresses that settings name, in the one form that clients give them. Pure.

A fault never repeats the address: a password may stand in it.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

import idna

_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNFIT = re.compile(r"[\s\\\x00-\x1f\x7f<>\"]")
_ENDPOINTS = {"mcp", "sse", "messages"}
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class AddressFault(ValueError):
    """``str()`` says what is wrong, continuing a sentence that begins with the setting."""


class WebAddress(NamedTuple):
    """An address in its usual form: scheme and host in small letters, ASCII, no default port (RFC 3986 section 6)."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}{'' if self.port is None else f':{self.port}'}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self.path}{f'?{self.query}' if self.query else ''}"


def web_address(text: str) -> WebAddress:
    """Read an address.

    Raises:
        AddressFault: it is no http or https address, or has something that has no place in a setting.
    """
    text = text.strip()
    if _UNFIT.search(text):
        raise AddressFault("has a space, a quote or a backslash in it")
    if not text.lower().startswith(("https://", "http://")):
        raise AddressFault("begins with neither https:// nor http://")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AddressFault(
            "has a host or port that is none; an IPv6 address needs brackets, as in http://[::1]:8000"
        ) from None
    if "@" in parts.netloc:
        raise AddressFault("has a user name or password in it: take out what stands before the @")
    if parts.fragment or text.endswith("#"):
        raise AddressFault("has a # in it: take it out, with what follows")
    if port == _DEFAULT_PORTS[parts.scheme]:
        port = None
    if port == 0:
        raise AddressFault("has the port 0, at which nobody listens")
    return WebAddress(parts.scheme, host_name(parts.hostname or ""), port, parts.path, parts.query)


def host_name(text: str) -> str:
    """A host as clients send it: an address, one of IPv6 in brackets, or a name in small letters and ASCII (RFC 5891).

    Raises:
        AddressFault: it is none.
    """
    text = text.removesuffix(".")
    address = _address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise AddressFault("has an IPv6 address with a zone, which no other machine could use")
        return f"[{address}]"
    if address is not None:
        return str(address)
    try:
        name = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError:
        name = ""
    labels = name.split(".")
    if len(name) > 253 or labels[-1].isdigit() or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressFault("has a host that is no name: letters, digits, hyphens and dots, as in mcp.example.com")
    return name


def is_loopback(host: str | None) -> bool:
    """Whether ``host`` names this machine (RFC 8252 section 7.3 and RFC 6761 section 6.3)."""
    if host is None:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_secure_url(url: str) -> bool:
    """Whether ``url`` is https, or http to this machine."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
        )
    except ValueError:
        return False


def secure_address(text: str) -> str:
    """An address at which what is sent cannot be read on the way.

    Raises:
        AddressFault: it is no address, or plain http to another machine.
    """
    found = web_address(text).url
    if not is_secure_url(found):
        raise AddressFault("is plain http, so others could read what is sent there: write https://")
    return found


def site_address(text: str) -> str:
    """The address of a site as a whole, without a slash at its end.

    Raises:
        AddressFault: it is no address, or that of something at the site.
    """
    found = web_address(text)
    path = found.path.rstrip("/")
    last = path.rpartition("/")[2]
    if found.query or text.rstrip().endswith("?"):
        raise AddressFault("has a ? in it: take it out, with what follows")
    if last in _ENDPOINTS:
        raise AddressFault(f"is the address of the whole site: leave /{last} out at its end")
    if {"", ".", ".."} & {*path.split("/")[1:]}:
        raise AddressFault("has a path with an empty part or dots for one")
    return f"{found.origin}{path}"


def domain(text: str) -> str:
    """A host, and a port if it has one, also where an https address is written instead; "" where nothing is written.

    Raises:
        AddressFault: it is neither.
    """
    bare = text.strip().rstrip("/")
    if not bare:
        return ""
    found = web_address(bare if "://" in bare else f"https://{bare}")
    if found.scheme != "https" or found.path or found.query or "." not in found.host:
        raise AddressFault("must be the domain alone, such as tenant.eu.auth0.com")
    return found.origin.removeprefix("https://")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
