"""Where a request comes from, and what of its body is read."""

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from authz_app.conf import AuthzConf
from tools_app.transports.requests import RequestRefused, check_is_json, check_origin, client_address, read_body

CONF = AuthzConf("https://mcp.example.com", (), False, False, (), "", 1.0)
BEHIND_PROXIES = replace(
    CONF, trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("192.0.2.1/32"), ip_network("fd00::/8"))
)
LOCAL = ["127.0.0.1", "localhost", "[::1]"]
SITE = ["mcp.example.com"]


def scope(client: str | None = "203.0.113.7", **headers: str | list[str]) -> dict[str, Any]:
    sent = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, values in headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return {"type": "http", "client": None if client is None else [client, 4711], "headers": sent}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.9"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9", "10.0.0.2"], "198.51.100.9"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.9, 192.0.2.1, 10.9.9.9"], "198.51.100.9"),
        ("10.0.0.1", ["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        ("10.0.0.1", ["2001:db8::9"], "2001:db8::9"),
        ("fd00::1", ["2001:db8::9"], "2001:db8::9"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["evil\x1b[2K"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.9:4711"], "198.51.100.9"),
        ("10.0.0.1", ["fe80::1%" + "z" * 200], "10.0.0.1"),
        (None, ["198.51.100.9"], ""),
        ("/run/serve.sock", ["198.51.100.9"], "/run/serve.sock"),
    ],
)
def test_the_address_is_the_nearest_that_is_no_trusted_proxy(
    peer: str | None, forwarded: list[str], address: str
) -> None:
    assert client_address(scope(peer, x_forwarded_for=forwarded), BEHIND_PROXIES) == address


def test_without_trusted_proxies_a_forwarded_address_is_a_forgery() -> None:
    assert client_address(scope("10.0.0.1", x_forwarded_for="198.51.100.9"), CONF) == "10.0.0.1"


def check(hosts: list[str], allowed: list[str], origins: list[str] | None = None) -> None:
    check_origin(scope(host=hosts, origin=origins or []), allowed, {"https://mcp.example.com"})


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("mcp.example.com", SITE), ("mcp.example.com:8443", SITE), ("MCP.Example.Com", SITE),
        ("a.example.com", [".example.com"]),
        ("127.0.0.1:8000", LOCAL), ("localhost", LOCAL), ("[::1]", LOCAL), ("[::1]:8000", LOCAL),
    ],
)  # fmt: skip
def test_this_site_s_hosts_are_accepted(host: str, allowed: list[str]) -> None:
    check([host], allowed)


@pytest.mark.parametrize(
    "hosts",
    [
        [], [""], ["evil.example"], ["mcp.example.com.evil.example"], ["evil.example:mcp.example.com"],
        ["mcp.example.com:x"], ["mcp.example.com", "mcp.example.com"], ["mcp.example.com@evil.example"],
        ["mcp.example.com/.."], ["xmcp.example.com"], ["127.0.0.1"], ["[::1]"], [":80"],
        ["mcp.example.com:80:80"], ["*"],
    ],
)  # fmt: skip
def test_other_hosts_are_misdirected(hosts: list[str]) -> None:
    with pytest.raises(RequestRefused) as caught:
        check(hosts, SITE)
    assert caught.value.status == 421


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [
        ([], SITE),
        (["https://mcp.example.com"], SITE),
        (["http://localhost:6274"], LOCAL),
        (["http://127.0.0.1"], LOCAL),
    ],
)
def test_requests_without_an_origin_or_of_an_allowed_one_are_accepted(origins: list[str], allowed: list[str]) -> None:
    check([allowed[0]], allowed, origins)


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [
        (["https://evil.example"], SITE), (["null"], SITE), (["http://mcp.example.com"], SITE), ([""], SITE),
        (["https://mcp.example.com.evil.example"], SITE), (["https://mcp.example.com/"], SITE),
        (["https://mcp.example.com", "https://mcp.example.com"], SITE), (["http://localhost:6274"], SITE),
        (["https://evil.example"], LOCAL), (["null"], LOCAL), (["file://localhost"], LOCAL),
        (["http://localhost.evil.example"], LOCAL), (["http://[::1"], LOCAL), (["http://127.0.0.2"], LOCAL),
    ],
)  # fmt: skip
def test_pages_of_other_origins_are_refused(origins: list[str], allowed: list[str]) -> None:
    with pytest.raises(RequestRefused) as caught:
        check([allowed[0]], allowed, origins)
    assert caught.value.status == 403


def read(messages: list[dict[str, Any]], limit: int = 10, **headers: str | list[str]) -> bytes:
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(left)

    return asyncio.run(read_body(scope(**headers), receive, limit))


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_read_in_all_its_parts() -> None:
    assert read([part(b"12345"), {"type": "http.request", "more_body": True}, part(b"67890", False)]) == b"1234567890"


@pytest.mark.parametrize("length", ["11", "9" * 30, "9" * 5_000, "-1", "x", "1.5", "\xb2", "", "+5"])
def test_a_body_that_says_it_is_too_large_or_nonsense_is_not_read(length: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        read([], content_length=length)
    assert caught.value.status == 413


def test_a_body_that_is_larger_than_it_said_is_cut_off() -> None:
    with pytest.raises(RequestRefused) as caught:
        read([part(b"123456"), part(b"123456")], content_length="5")
    assert caught.value.status == 413


def test_a_client_that_leaves_has_sent_no_body() -> None:
    with pytest.raises(RequestRefused) as caught:
        read([part(b"123"), {"type": "http.disconnect"}])
    assert caught.value.status == 400


@pytest.mark.parametrize("value", ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=y"])
def test_json_is_accepted(value: str) -> None:
    check_is_json(scope(content_type=value))


@pytest.mark.parametrize(
    "values",
    [[], ["text/plain"], ["application/x-www-form-urlencoded"], ["application/json", "application/json"],
     ["text/plain, application/json"], ["application/jsonp"]],
)  # fmt: skip
def test_what_a_web_page_could_send_without_asking_is_refused(values: list[str]) -> None:
    with pytest.raises(RequestRefused) as caught:
        check_is_json(scope(content_type=values))
    assert caught.value.status == 415
