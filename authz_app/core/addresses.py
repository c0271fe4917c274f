"""Find the address that a request came from, and tell public addresses from private ones. Pure."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from authz_app.core import forwarded as headers
from authz_app.core.forwarded import Address, read_address

Networks = tuple[IPv4Network | IPv6Network, ...]
MAX_ADDRESS = 45
# Global by name, and yet ways to IPv4 addresses of any kind (RFC 6052, RFC 3056, RFC 4380).
_TRANSLATED = tuple(ip_network(network) for network in ("64:ff9b::/96", "2002::/16", "2001::/32"))


def nearest_untrusted(
    peer: str, forwarded_for: Iterable[str], trusted_proxies: Networks, forwarded: Iterable[str] = ()
) -> str:
    """The nearest address that is not a trusted proxy's.

    ``peer`` is the other end of the connection; ``forwarded_for`` and ``forwarded`` are the values of all
    X-Forwarded-For and Forwarded headers in order. Only a proxy knows which of the two it wrote itself: where both are
    there and disagree, neither is believed, and the address is the proxy's.
    """
    nearest = read_address(peer) if trusted_proxies else None
    if nearest is None:
        return _recorded(peer)
    said = [_nearest(nearest, hops, trusted_proxies) for hops in _chains([*forwarded_for], [*forwarded])]
    return str(said[0] if len({*said}) == 1 else nearest)


@lru_cache(maxsize=4_096)
def _recorded(peer: str) -> str:
    address = read_address(peer)
    return peer[:MAX_ADDRESS] if address is None else str(address)


def _chains(forwarded_for: list[str], forwarded: list[str]) -> Iterator[Iterable[Address | None]]:
    if any(forwarded_for):
        yield headers.x_forwarded_for(forwarded_for)
    if headers.names_nodes(forwarded):
        yield headers.forwarded(forwarded)


def _nearest(peer: Address, hops: Iterable[Address | None], trusted_proxies: Networks) -> Address:
    """Walk from the peer to the first that is no trusted proxy, or to the last that can be read."""
    nearest = peer
    for hop in hops:
        if hop is None or not any(nearest in network for network in trusted_proxies):
            break
        nearest = hop
    return nearest


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
