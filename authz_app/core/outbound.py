"""Send one HTTP request to an outside service, bounded in time and size. Knows nothing of what it carries.

A failure says why in one word and nothing more: what `requests` raises holds the URL, and with it keys in its query.
"""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

Reason = Literal["timeout", "too_large", "unreachable", "untrusted", "forbidden"]
_CHUNK_BYTES = 8_192
_MOST_LINKED = 8


class OutboundError(Exception):
    """No whole response could be had. ``reason`` says why, and ``cause`` names the class of the exception behind it.

    "untrusted": the service has a certificate that cannot be verified; ``cause`` says why.

    ``status`` is that of a response whose body was not read to its end.
    """

    def __init__(self, reason: Reason, cause: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.cause = cause
        self.status = status


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """The response of a service. A redirect is a response too, and is not followed."""

    status: int
    body: bytes


class BoundedFetch:
    """Sends one request and reads its response, within ``seconds`` from connect to last byte. Blocks: for a thread.

    A socket timeout begins anew with every byte, so a server that drips them is held by a timer that shuts the
    connection down. With ``may_reach``, no connection is made to a name with an address that it refuses, and no proxy
    is used: which address a proxy connects to is not known here.
    """

    def __init__(
        self,
        seconds: float,
        max_bytes: int,
        may_reach: Callable[[str], bool] | None = None,
        *,
        use_proxy: bool = True,
    ) -> None:
        self._seconds = seconds
        self._may_reach = may_reach
        self._use_proxy = use_proxy and may_reach is None
        self._max_bytes = max_bytes
        self._status: int | None = None
        self._aborted = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def send(self, request: requests.Request) -> OutboundResponse:
        """Send ``request`` and read the whole response.

        Raises:
            OutboundError: it took too long, was too large, or there was none.
        """
        timer = threading.Timer(self._seconds, self.abort)
        timer.daemon = True
        timer.start()
        try:
            result = self._attempt(request)
        finally:
            timer.cancel()
            self._forget_sockets()
        if isinstance(result, OutboundError):
            raise result
        return result

    def abort(self) -> None:
        """Break the request off, from any thread."""
        with self._lock:
            self._aborted = True
            for watched in self._sockets:
                with suppress(OSError):
                    watched.shutdown(socket.SHUT_RDWR)

    def _attempt(self, request: requests.Request) -> OutboundResponse | OutboundError:
        # Returns its failure, because an exception raised while another is handled carries that one, URL and all.
        try:
            return self._fetch(request)
        except _Forbidden:
            return self._failure("forbidden", "Forbidden")
        except requests.Timeout as error:
            return self._failure("timeout", type(error).__name__)
        except (requests.RequestException, HTTPError) as error:
            if (fault := _certificate_fault(error)) and not self._aborted:
                return self._failure("untrusted", fault)
            return self._failure("timeout" if self._aborted else "unreachable", type(error).__name__)

    def _failure(self, reason: Reason, cause: str) -> OutboundError:
        return OutboundError(reason, cause, self._status)

    def _fetch(self, request: requests.Request) -> OutboundResponse | OutboundError:
        with requests.Session() as session:
            session.auth = _leave_alone
            for scheme in ("http://", "https://"):
                session.mount(scheme, _WatchedAdapter(self._watch))
            prepared = session.prepare_request(request)
            prepared.headers.setdefault("Accept", "application/json")
            # No compression: a small body could unpack to any size.
            prepared.headers["Accept-Encoding"] = "identity"
            settings = session.merge_environment_settings(prepared.url or "", {}, True, None, None)
            if not self._use_proxy:
                settings["proxies"] = {}
            if self._may_reach is not None:
                _check_addresses(prepared.url or "", self._may_reach)
            with session.send(prepared, timeout=self._seconds, allow_redirects=False, **settings) as response:
                return self._read(response)

    def _read(self, response: requests.Response) -> OutboundResponse | OutboundError:
        self._status, body = response.status_code, bytearray()
        for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
            body += chunk
            if len(body) > self._max_bytes:
                return self._failure("too_large", "TooLarge")
        # A body that ends with its connection looks whole when the timer cut it.
        if self._aborted:
            return self._failure("timeout", "Timeout")
        return OutboundResponse(response.status_code, bytes(body))

    def _watch(self, connected: socket.socket) -> None:
        # A name may resolve to something else each time it is asked. To whoever wants it to, an address that must not
        # be reached looks like one where nobody listens: the difference would tell which ports are open.
        if self._may_reach is not None and not self._may_reach(connected.getpeername()[0]):
            connected.close()
            raise ConnectionRefusedError
        # A duplicate reaches the connection in every phase: TLS detaches the first socket, and http.client lets go of
        # its own once the answer says that it ends with the connection.
        with self._lock:
            self._sockets.append(connected.dup())
            if self._aborted:
                connected.close()
                raise TimeoutError

    def _forget_sockets(self) -> None:
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()


def _certificate_fault(error: BaseException | None) -> str:
    """Why the certificate was not verified, in OpenSSL's words; empty where that was not the fault."""
    for _ in range(_MOST_LINKED):
        if isinstance(error, ssl.SSLCertVerificationError):
            return str(error.verify_message).rstrip(".")
        if error is None:
            break
        # What `requests` and urllib3 raise holds what led to it among its arguments.
        nested = (getattr(one, "reason", one) for one in error.args)
        error = next((one for one in nested if isinstance(one, BaseException)), error.__context__)
    return ""


class _Forbidden(Exception):
    """The name has an address that must not be reached."""


def _check_addresses(url: str, may_reach: Callable[[str], bool]) -> None:
    """Refuse a name that stands for what must not be reached."""
    with suppress(OSError, ValueError):  # What has no address cannot be reached in any case.
        found = socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM)
        if not all(may_reach(str(address[0])) for *_, address in found):
            raise _Forbidden


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An `auth` that adds nothing: without one, `requests` replaces the Authorization header by what ~/.netrc says."""
    return request


class _WatchedAdapter(HTTPAdapter):
    """Reports the socket of every connection that it opens."""

    def __init__(self, report: Callable[[socket.socket], None]) -> None:
        super().__init__()
        self._report = report

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _reporting(pool.ConnectionCls, self._report)
        return pool


def _reporting(connection_class: Any, report: Callable[[socket.socket], None]) -> Any:
    class ReportingConnection(connection_class):  # type: ignore[misc]  # plain or TLS, as the pool has it
        def _new_conn(self) -> socket.socket:
            connected: socket.socket = super()._new_conn()
            report(connected)
            return connected

    return ReportingConnection
