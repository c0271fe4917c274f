"""Reads a message's ``_meta`` (MCP 2026-07-28), and what a client reports of itself. Pure."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args

from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    PROTOCOL_VERSION_META_KEY,
    LoggingLevel,
)

from authz_app.redaction.redact import redact_text
from tools_app.wire import jsonrpc

LOG_LEVELS: tuple[str, ...] = get_args(LoggingLevel)
_MAX_VERSION = 20
MAX_REPORTED = 90


def meta_of(message: jsonrpc.Message) -> Mapping[str, Any]:
    """A message's ``_meta``; empty where there is none."""
    return {} if isinstance(message, jsonrpc.Response) else _meta_in(message.params)


def _meta_in(params: Mapping[str, Any] | None) -> Mapping[str, Any]:
    meta = (params or {}).get("_meta")
    return meta if isinstance(meta, Mapping) else {}


def is_modern(message: jsonrpc.Message) -> bool:
    """Whether the message is of 2026-07-28, by its ``_meta``; `initialize` does not exist in that era."""
    if isinstance(message, jsonrpc.Response) or message.method == "initialize":
        return False
    return PROTOCOL_VERSION_META_KEY in meta_of(message)


def protocol_version_in(message: jsonrpc.Message) -> str:
    """The protocol version that the ``_meta`` names, cut to what a record holds."""
    version = meta_of(message).get(PROTOCOL_VERSION_META_KEY)
    return reported(version)[:_MAX_VERSION] if isinstance(version, str) else ""


def log_levels_in(params: Mapping[str, Any] | None) -> frozenset[str]:
    """The log levels that a request asks for (MCP 2026-07-28, Logging): none unless its ``_meta`` names one."""
    lowest = _meta_in(params).get(LOG_LEVEL_META_KEY)
    return frozenset(LOG_LEVELS[LOG_LEVELS.index(lowest) :]) if lowest in LOG_LEVELS else frozenset()


def capabilities_in(params: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The client's capabilities, by the ``_meta`` of its request."""
    capabilities = _meta_in(params).get(CLIENT_CAPABILITIES_META_KEY)
    return capabilities if isinstance(capabilities, Mapping) else {}


def client_software_in(message: jsonrpc.Message) -> str:
    """Name and version that the client reports of itself in the ``_meta``."""
    return software_in(meta_of(message).get(CLIENT_INFO_META_KEY))


def software_in(info: Any) -> str:
    """Name and version in a client's ``clientInfo``, whatever was sent as such. Unverified, so cut and printable."""
    if not isinstance(info, Mapping):
        return ""
    return " ".join(reported(info[key]) for key in ("name", "version") if isinstance(info.get(key), str))


def reported(text: str) -> str:
    """A text that a client reports of itself, made fit to be kept: without secrets, printable, and short."""
    # All that the redaction looks at of a text that is to be so short.
    return _reported(text[: 4 * MAX_REPORTED])


@lru_cache(maxsize=512)
def _reported(text: str) -> str:
    kept = redact_text(text, MAX_REPORTED)[:MAX_REPORTED]
    return "".join(character if character.isprintable() else "\ufffd" for character in kept)
