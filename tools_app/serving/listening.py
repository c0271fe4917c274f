"""Opens, or takes over, the socket that the site listens on."""

import errno
import os
import socket
from contextlib import suppress

_BACKLOG = 1024
_EVERY_ADDRESS = ("", "::", "*")


class CannotListen(Exception):
    """There is no such socket to listen on. ``str()`` is a sentence."""


def bound(host: str, port: int) -> socket.socket:
    """A listening socket of our own. ``::`` takes IPv4 too, as far as the system can do both with one.

    Raises:
        CannotListen: the address cannot be used.
    """
    name = host.strip().removeprefix("[").removesuffix("]")
    try:
        return _both_families(port) if name in _EVERY_ADDRESS else _one_address(name, port)
    except (OSError, OverflowError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            text = f"Port {port} is taken by another program. Choose another: PORT=9000 make run, or --port 9000."
            raise CannotListen(text) from None
        raise CannotListen(f"Cannot listen on {host}, port {port}: {error}.") from None


def _both_families(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        return socket.create_server(("::", port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True)
    return socket.create_server(("0.0.0.0", port), backlog=_BACKLOG)


def _one_address(host: str, port: int) -> socket.socket:
    """A name may have addresses of both families; all clients can reach the one of IPv4."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    # With all that it says: the zone of an IPv6 address is no part of its text.
    return socket.create_server(address, family=family, backlog=_BACKLOG)


def inherited(descriptor: int) -> socket.socket:
    """The listening socket that the parent process handed over.

    Raises:
        CannotListen: the descriptor is none.
    """
    with suppress(OSError):
        listening = socket.socket(fileno=os.dup(descriptor))
        if listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            os.close(descriptor)  # Callers are let in for as long as any copy is open.
            return listening
        listening.close()
    raise CannotListen(f"File descriptor {descriptor} is not a listening socket.")


def where(listening: socket.socket) -> str:
    """What the socket listens on, in words: ``127.0.0.1:8000``, ``[::1]:8000`` or ``unix:/run/site.sock``."""
    address = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        path = address.decode(errors="replace") if isinstance(address, bytes) else address
        return f"unix:{path.replace(chr(0), '@')}"
    host, port = address[:2]
    return f"[{host}]:{port}" if listening.family == socket.AF_INET6 else f"{host}:{port}"
