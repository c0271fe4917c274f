"""Read which addresses proxies say that a request came through: X-Forwarded-For, and Forwarded (RFC 7239). Pure.

Whatever stands left of what a trusted proxy wrote was written by strangers. So both headers are read from their end,
and nothing further left can change what was read.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

# What is further from the end of a header was written by nobody who is trusted.
_MAX_HEADER = 4_000
_MAX_NODE = 120
_ZONE = r"(?:%[A-Za-z0-9._~-]{1,16})?"
_PORT = r"(?::(?:[0-9]{0,5}|_[A-Za-z0-9._-]{1,40}))?"
_NODE = re.compile(
    rf"\[\s*([0-9A-Fa-f:.]{{2,45}}){_ZONE}\s*\]{_PORT}|([0-9.]{{7,15}}){_PORT}|([0-9A-Fa-f:.]{{2,45}}){_ZONE}"
)
# Possessive throughout: strangers write what is matched here.
_VALUE = r"""(?:"(?:[^"\\]|\\.)*+"|[^\s",;]*+)"""
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_NAME = rf"(?<!{_TOKEN}){_TOKEN}++"
_PAIR = rf"{_NAME}\s*+=\s*+{_VALUE}\s*+"
_ELEMENT = re.compile(rf"\s*+(?:{_PAIR})?+(?:;\s*+(?:{_PAIR})?+)*+")
_PAIRS = re.compile(rf"({_NAME})\s*+=\s*+({_VALUE})")


def read_address(text: str) -> Address | None:
    """The address in ``text``, which may have brackets, a port, quotes or a zone; None: there is none.

    An IPv4 address that IPv6 carries (RFC 4291 section 2.5.5.2) is read as what it is, and a zone is left out.
    """
    return _read(text) if len(text) <= _MAX_NODE else None


@lru_cache(maxsize=4_096)
def _read(text: str) -> Address | None:
    node = _NODE.fullmatch(_unquoted(text.strip()).strip())
    if node is None:
        return None
    try:
        found = ip_address(node[1] or node[2] or node[3])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def x_forwarded_for(values: Iterable[str]) -> Iterator[Address | None]:
    """The hops of all X-Forwarded-For headers, the last one first. None: a hop that says no address."""
    for value in reversed([*values]):
        for hop in reversed(_end(value).split(",")):
            if hop.strip():
                yield read_address(hop)


def forwarded(values: Iterable[str]) -> Iterator[Address | None]:
    """The hops of all Forwarded headers, the last one first. None: a hop that says no address, or not in a way of RFC
    7239."""
    for value in reversed([*values]):
        for element in _elements(_end(value)):
            if element.strip():
                yield _hop(element)


def _end(value: str) -> str:
    return value if len(value) <= _MAX_HEADER else value[-_MAX_HEADER:].partition(",")[2]


def _elements(value: str) -> Iterator[str]:
    """The elements of a header from its end: each the shortest that is well formed, since a comma may be quoted."""
    start = end = len(value)
    while end >= 0 and start >= 0:
        start = value.rfind(",", 0, start)
        if start < 0 or _ELEMENT.fullmatch(value, start + 1, end):
            yield value[start + 1 : end]
            end = start


def _hop(element: str) -> Address | None:
    said = _nodes(element)
    return read_address(said[0]) if len(said) == 1 and _ELEMENT.fullmatch(element) else None


def _nodes(text: str) -> list[str]:
    return [value for name, value in _PAIRS.findall(text) if name.lower() == "for"]


def names_nodes(values: Iterable[str]) -> bool:
    """Whether Forwarded headers say anything of where a request came from. Some say the host or the scheme alone."""
    return any(map(_nodes, values))
