"""A web server with TLS on this machine, for documents that a site fetches: client id metadata documents.

with Documents(directory) as documents:
    documents.publish("/app.json", {...})     -> its address
    documents.environment                     -> what makes a site trust its certificate
    documents.requests                        -> the paths that were asked for
"""

import datetime
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.issuer import private_key

HOST = "127.0.0.1"


class Documents:
    """Publishes what it is told to, and answers 404 to everything else. ``answers`` overrides whole answers."""

    def __init__(self, directory: Path) -> None:
        self.requests: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self._certificate = directory / "documents.pem"
        self._certificate.write_bytes(_self_signed())
        self._server = ThreadingHTTPServer((HOST, 0), type("Handler", (_Handler,), {"documents": self}))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that went away
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://{HOST}:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"REQUESTS_CA_BUNDLE": str(self._certificate)}

    def publish(self, path: str, document: Any = None, **fields: Any) -> str:
        """Serve a description of an application at ``path``; returns its address, which is its client ID."""
        address = f"{self.url}{path}"
        usual = {"client_id": address, "client_name": "Published", "redirect_uris": ["http://127.0.0.1/callback"]}
        body = json.dumps({**usual, **fields} if document is None else document).encode()
        self.answers[path] = (200, {"Content-Type": "application/json"}, body)
        return address

    def __enter__(self) -> "Documents":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    documents: Documents

    def do_GET(self) -> None:
        self.documents.requests.append(self.path)
        status, headers, body = self.documents.answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _self_signed() -> bytes:
    """A certificate for this machine, and its key."""
    key: Any = private_key("ES256")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM) + pem
