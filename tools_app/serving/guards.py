"""Keeps Daphne from what it lets strangers do and this site does not.

Applied to the classes of Daphne (4.2) and Twisted, so plain `daphne` has it too. The names are theirs and not promised;
where one is missing, the guard is left out and nothing else changes.
"""

import re
import string
from typing import Any

import daphne.access
import daphne.server
from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.plugins import fd_endpoint

from tools_app.serving import callers, endpoints, shortcuts
from tools_app.serving.access_log import without_query

_TOKEN = frozenset((string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~").encode())
_MAX_METHOD = 20
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


class StrictRequest(WebRequest):
    """A request whose method is a token (RFC 9110 section 9.1), and whose root path no stranger sets."""

    method: bytes

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """As Twisted does it, without its parsing of the query and of forms, which nobody uses."""
        self.content.seek(0, 0)
        self.args: dict[bytes, list[bytes]] = {}
        if path[:4].lower() == b"http" and (absolute := _ABSOLUTE.fullmatch(path)):
            # The target names the host, whatever the header says (RFC 9112 section 3.2.2).
            self.requestHeaders.setRawHeaders(b"host", [absolute[1]])
            path = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.process()

    def process(self) -> Any:
        # Daphne takes the mount point from this header, whoever sends it.
        self.requestHeaders.removeHeader(b"daphne-root-path")
        if self.method and len(self.method) <= _MAX_METHOD and _TOKEN.issuperset(self.method):
            headers = shortcuts.plain_headers(self)
            started = None
            if headers is None:
                started = super().process()
            else:
                shortcuts.start_application(self, headers)
            callers.show(self)
            return started
        # Daphne would decode the method, fail, and answer 500.
        self.method = b"INVALID"
        self.basic_error(400, b"Bad Request", "Invalid method")
        return None


class StrictFactory(HTTPFactory):
    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = StrictRequest
        protocol.callLater = shortcuts.Timer
        connect = protocol.makeConnection

        def make_connection(transport: Any) -> None:
            del protocol.makeConnection  # Or the connection would hold itself, and only the collector could free it.
            endpoints.name_both_ends(transport)
            shortcuts.write_soon(transport)
            connect(transport)

        protocol.makeConnection = make_connection
        return protocol

    def log(self, request: Any) -> None:
        """Twisted's own access log, which Daphne sends nowhere."""


def apply() -> None:
    """Put the guards in place. Safe to repeat."""
    daphne.server.HTTPFactory = StrictFactory
    # Daphne would take every socket that it inherits for one of IPv4.
    parser: Any = getattr(fd_endpoint, "_FDParser", None)
    if parser is not None:
        parser._parseServer = lambda self, reactor, fileno: endpoints.on_descriptor(reactor, int(fileno))
    generator = daphne.access.AccessLogGenerator
    if not hasattr(generator, "guarded"):
        written = generator.write_entry

        def write_entry(self: Any, *args: Any, **entry: Any) -> None:
            method, _, target = str(entry.get("request", "")).partition(" ")
            written(self, *args, **{**entry, "request": f"{method[:_MAX_METHOD]} {without_query(target)}"})

        generator.write_entry = write_entry
        generator.guarded = True
