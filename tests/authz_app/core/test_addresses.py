"""Which addresses are public, and which is the nearest that is no trusted proxy's."""

from ipaddress import ip_network

import pytest

from authz_app.core.addresses import MAX_ADDRESS, is_public, nearest_untrusted

PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "172.16.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"]
    + ["255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1"]
    + ["2002:a00:1::", "ff02::1", "192.0.2.1", "2001:db8::1", "198.18.0.1", "", "localhost", "1.1.1.1.1"],
)
def test_what_is_not_public_is_not_reached(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_what_is_public_is(address: str) -> None:
    assert is_public(address)


def test_this_machine_is_reached_only_where_that_is_said() -> None:
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert is_public(address, or_loopback=True)
    assert not is_public("10.0.0.1", or_loopback=True)


@pytest.mark.parametrize(
    ("peer", "forwarded", "nearest"),
    [
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.2.3.4, 203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("203.0.113.1", ["1.2.3.4"], "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
    ],
)
def test_the_caller_is_the_nearest_that_is_no_trusted_proxy(peer: str, forwarded: list[str], nearest: str) -> None:
    assert nearest_untrusted(peer, forwarded, PROXIES) == nearest
    assert nearest_untrusted(peer, forwarded, ()) == peer


def test_an_address_is_never_longer_than_its_column() -> None:
    zone = "fe80::1%" + "x" * 100
    assert len(nearest_untrusted(zone, [], ())) == MAX_ADDRESS
    assert nearest_untrusted("10.0.0.1", [zone], PROXIES) == "10.0.0.1"
