"""Lets Twisted serve on a listening socket of any family, and name the other ends of its connections."""

import os
import socket
from typing import Any

from twisted.internet import defer, endpoints, unix
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.interfaces import IStreamServerEndpoint
from zope.interface import implementer

_BACKLOG = 1024
_AdoptedEndpoint: Any = endpoints.AdoptedStreamServerEndpoint
_UnixPort: Any = unix.Port
# Who connects by a unix socket is on this machine, and has no other address.
_THIS_MACHINE = IPv4Address("TCP", "127.0.0.1", 0)


def on_descriptor(reactor: Any, descriptor: int) -> Any:
    """The endpoint of an inherited listening socket, of the family that it has."""
    with socket.socket(fileno=os.dup(descriptor)) as listening:
        family = listening.family
    if family == socket.AF_UNIX:
        return UnixSocket(reactor, descriptor)
    return _AdoptedEndpoint(reactor, descriptor, family)


@implementer(IStreamServerEndpoint)
class UnixSocket:
    """An inherited unix socket. Its file belongs to whoever made it: it keeps its permissions, and outlives us."""

    def __init__(self, reactor: Any, descriptor: int) -> None:
        self._reactor = reactor
        self._descriptor = descriptor

    def listen(self, factory: Any) -> Any:
        try:
            port = self._adopted(factory)
        except Exception:  # noqa: BLE001  (as Twisted's own endpoints do: whoever listens is told)
            return defer.fail()
        return defer.succeed(port)

    def _adopted(self, factory: Any) -> Any:
        os.set_blocking(self._descriptor, False)
        port = _UnixPort._fromListeningDescriptor(self._reactor, self._descriptor, factory)
        # A name in no folder: or Twisted would open the file to everybody at the start, and delete it at the end.
        port._bindPath = b"\0"
        port.backlog = _BACKLOG
        port.startListening()
        os.close(self._descriptor)
        return port


def name_both_ends(transport: Any) -> None:
    """Give a connection by a unix socket the addresses that a request has to have."""
    if isinstance(transport.getHost(), UNIXAddress):
        transport.getHost = transport.getPeer = lambda: _THIS_MACHINE
