"""Reads the browser origins that a setting allows (RFC 6454, Fetch standard). Pure."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::[0-9]{1,5})?")
_USUAL_PORTS = {"http": ":80", "https": ":443"}
# Pages under these have no origin that tells one from another.
_OPAQUE = frozenset({"about", "blob", "data", "file", "javascript"})
_LIKE = "like https://app.example.com or chrome-extension://abcdefghijklmnop"


def parse_origins(texts: Iterable[str]) -> frozenset[str]:
    """The origins as browsers send them.

    Raises:
        ValueError: one is no origin, or would stand for many; the sentence names it.
    """
    return frozenset(_origin(text.strip()) for text in texts if text.strip())


def _origin(text: str) -> str:
    origin = text.removesuffix("/").lower()
    scheme = origin.partition("://")[0]
    if origin == "null" or "*" in origin or scheme in _OPAQUE:
        raise ValueError(f"ALLOWED_ORIGINS: {text!r} could be any page. Name each origin, {_LIKE}.")
    if not _ORIGIN.fullmatch(origin) or not _has_port(origin):
        raise ValueError(
            f"ALLOWED_ORIGINS: {text!r} is no origin. Write scheme, host and port alone, without a path, {_LIKE}."
        )
    return origin.removesuffix(_USUAL_PORTS.get(scheme, "no port"))


def _has_port(origin: str) -> bool:
    try:
        return urlsplit(origin).port != 0
    except ValueError:
        return False
