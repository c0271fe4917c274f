"""Find the address that a request came from, and tell public addresses from private ones. Pure."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Networks = tuple[IPv4Network | IPv6Network, ...]
MAX_ADDRESS = 45
# Global by name, and yet ways to IPv4 addresses of any kind (RFC 6052, RFC 3056, RFC 4380).
_TRANSLATED = tuple(ip_network(network) for network in ("64:ff9b::/96", "2002::/16", "2001::/32"))


def nearest_untrusted(peer: str, forwarded_for: Iterable[str], trusted_proxies: Networks) -> str:
    """The nearest address that is not a trusted proxy's.

    ``peer`` is the other end of the connection, ``forwarded_for`` the values of all X-Forwarded-For headers in order.
    """
    if not trusted_proxies:
        return peer[:MAX_ADDRESS]
    hops = [hop.strip() for value in forwarded_for for hop in value.split(",")]
    address = peer
    for hop in reversed(hops):
        if not _is_within(address, trusted_proxies):
            break
        address = hop
    return address if _is_address(address) else peer[:MAX_ADDRESS]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return len(text) <= MAX_ADDRESS  # an IPv6 zone can have any length


def _is_within(address: str, networks: Networks) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def is_public(address: str, *, or_loopback: bool = False) -> bool:
    """Whether an address is on the public Internet: of no private network, and not of this machine."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_loopback:
        return or_loopback
    return found.is_global and not found.is_multicast and not any(found in network for network in _TRANSLATED)
