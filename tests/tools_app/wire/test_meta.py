"""What a message's ``_meta`` tells, whatever was sent in its place."""

from typing import Any

import pytest
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    PROTOCOL_VERSION_META_KEY,
)

from tools_app.wire.jsonrpc import Notification, Request, Response
from tools_app.wire.meta import (
    MAX_REPORTED,
    capabilities_in,
    client_software_in,
    is_modern,
    log_levels_in,
    meta_of,
    protocol_version_in,
    software_in,
)

NOTHING = [None, {}, {"_meta": None}, {"_meta": []}, {"_meta": "x"}, {"_meta": {}}]


def request(meta: Any, method: str = "tools/call") -> Request:
    return Request(1, method, {"_meta": meta})


@pytest.mark.parametrize("params", NOTHING)
def test_a_message_without_it_is_of_the_handshake_era_and_tells_nothing(params: Any) -> None:
    message = Request(1, "tools/call", params)
    assert (meta_of(message), is_modern(message)) == ({}, False)
    assert (protocol_version_in(message), client_software_in(message)) == ("", "")
    assert (capabilities_in(params), log_levels_in(params)) == ({}, frozenset())


def test_the_version_makes_a_message_modern_but_for_initialize_and_responses() -> None:
    meta = {PROTOCOL_VERSION_META_KEY: "2026-07-28"}
    assert is_modern(request(meta)) and is_modern(Notification("notifications/cancelled", {"_meta": meta}))
    assert not is_modern(request(meta, "initialize"))
    assert not is_modern(Response(1, {"_meta": meta}, None))
    assert protocol_version_in(request(meta)) == "2026-07-28"


@pytest.mark.parametrize(("version", "kept"), [("2" * 90, "2" * 20), ("a\x1bb", "a\ufffdb"), (7, ""), ({}, "")])
def test_a_version_is_kept_short_and_printable(version: Any, kept: str) -> None:
    assert protocol_version_in(request({PROTOCOL_VERSION_META_KEY: version})) == kept


@pytest.mark.parametrize(
    ("level", "some"), [("emergency", {"emergency"}), ("critical", {"critical", "alert", "emergency"}), ("loud", set())]
)
def test_a_log_level_asks_for_itself_and_all_above(level: str, some: set[str]) -> None:
    assert log_levels_in({"_meta": {LOG_LEVEL_META_KEY: level}}) == some


@pytest.mark.parametrize(("sent", "read"), [({"sampling": {}}, {"sampling": {}}), ([], {}), ("x", {})])
def test_capabilities_are_an_object_or_none(sent: Any, read: dict[str, Any]) -> None:
    assert capabilities_in({"_meta": {CLIENT_CAPABILITIES_META_KEY: sent}}) == read


def test_client_software_is_its_name_and_version_as_far_as_it_sent_them() -> None:
    assert client_software_in(request({CLIENT_INFO_META_KEY: {"name": "agent", "version": "1.2"}})) == "agent 1.2"
    assert software_in({"name": 7, "version": "1.2"}) == "1.2"
    assert software_in(["agent"]) == ""


def test_client_software_is_kept_without_secrets_printable_and_short() -> None:
    assert software_in({"name": "n" * 10_000}) == "n" * MAX_REPORTED
    assert software_in({"name": "a\nb\x1b[2J"}) == "a\ufffdb\ufffd[2J"
    assert "ghp_" not in software_in({"name": f"ghp_{'A1b2' * 9}"})
