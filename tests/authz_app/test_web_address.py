"""Addresses in settings: brought into the form that clients give them, or refused without being repeated."""

from collections.abc import Callable

import pytest

from authz_app.web_address import AddressFault, domain, is_loopback, is_secure_url, secure_address, site_address


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "x.localhost"])
def test_this_machine_is_known_by_all_its_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", [None, "", "localhost.example", "10.0.0.1", "example.com"])
def test_no_other_host_is_taken_for_this_machine(host: str | None) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("url", "is_secure"),
    [
        ("https://issuer.example/", True),
        ("http://localhost:9000/", True),
        ("http://issuer.example/", False),
        ("ftp://127.0.0.1/", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_plain_http_is_secure_to_this_machine_alone(url: str, is_secure: bool) -> None:
    assert is_secure_url(url) is is_secure


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" HTTPS://Mcp.Example.COM.:443// ", "https://mcp.example.com"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://[0:0::1]:80", "http://[::1]"),
        ("https://\u65e5\u672c.jp/a/B/", "https://xn--wgv71a.jp/a/B"),
        ("https://stra\xdfe.example", "https://xn--strae-oqa.example"),
        ("https://h/mcp-tools", "https://h/mcp-tools"),
    ],
)
def test_a_site_s_address_is_brought_into_the_form_that_clients_give(text: str, address: str) -> None:
    assert site_address(text) == address
    assert site_address(address) == address


@pytest.mark.parametrize(
    "text",
    [
        "https://h/a//b",
        "https://h/../b",
        "https://h/mcp",
        "https://h/messages/",
        "https://h?",
        "https://h/#",
        "https://-h",
    ]
    + [
        "https://h:0",
        "https://1.2.3",
        "http://[fe80::1%25eth0]",
        "https://h\\x",
        "https://h\nx",
        f"https://{'a' * 64}",
    ],
)
def test_what_is_no_address_of_a_site_is_refused(text: str) -> None:
    with pytest.raises(AddressFault):
        site_address(text)


@pytest.mark.parametrize("read", [site_address, secure_address, domain])
@pytest.mark.parametrize("text", ["https://u:hunter2@h.example", "u:hunter2@h.example", "https://u:hunter2/@h.example"])
def test_a_refused_address_is_not_repeated(read: Callable[[str], str], text: str) -> None:
    with pytest.raises(AddressFault) as refused:
        read(text)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [("", ""), ("T.Example/", "t.example"), ("https://t.example", "t.example"), ("127.0.0.1:9000", "127.0.0.1:9000")],
)
def test_a_domain_is_taken_from_an_address(text: str, found: str) -> None:
    assert domain(text) == found
