"""A real issuer for tests: real keys, real signatures, and its documents on a real loopback socket.

    with Issuer() as issuer:
        issuer.trusted()                        -> a TrustedIssuer for AUDIENCE, with its jwks_uri
        issuer.trusted(jwks_uri="")             -> the same, found by discovery
        issuer.token(sub="auth0|alice")         -> a good access token; claims as keywords, ABSENT leaves one out
        issuer.sign(payload, header)            -> any header and payload, rightly signed
        issuer.rotate()                         -> a new key; the old one is no longer published
        issuer.behaviour = "down"               -> how it answers from now on, see `Behaviour`
        issuer.fetches                          -> how often its JWK Set was asked for

Token times are real: pass `exp`, `iat` and `now` where a test has its own clock.
"""

import base64
import json
import threading
import time
from collections.abc import Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from authz_app.issuers import TrustedIssuer

AUDIENCE = "https://mcp.example.com"
ABSENT: Any = object()

# down: 503. slow: no answer until `release`. dripping: the body comes a byte at a time; dripping-headers: so do they.
Behaviour = Literal["up", "down", "slow", "dripping", "dripping-headers", "redirect", "huge", "garbage"]

_CURVES: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def private_key(algorithm: str, number: int = 0, bits: int = 2048) -> PrivateKey:
    """A key for ``algorithm``; the same one for the same arguments, because making them is slow."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm.startswith("ES"):
        return ec.generate_private_key(_CURVES[algorithm])
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public_jwk(key: PrivateKey, algorithm: str, **members: Any) -> dict[str, Any]:
    """The public half of ``key`` as a JWK, with ``members`` added to it."""
    return {**get_default_algorithms()[algorithm].to_jwk(key.public_key(), as_dict=True), "use": "sig", **members}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def encode(part: Mapping[str, Any] | bytes) -> str:
    return base64url(part if isinstance(part, bytes) else json.dumps(part).encode())


class Issuer:
    """An authorization server with one signing key at a time."""

    def __init__(self, algorithm: str = "RS256") -> None:
        self.algorithm = algorithm
        self.number = 0
        self.behaviour: Behaviour = "up"
        self.fetches = 0
        self.documents: dict[str, Any] = {}
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"issuer": self}))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that went away
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> "Issuer":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Refuse connections from now on."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "Issuer":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    @property
    def key(self) -> PrivateKey:
        return private_key(self.algorithm, self.number)

    @property
    def key_id(self) -> str:
        return f"key-{self.number}"

    def rotate(self) -> None:
        self.number += 1

    def release(self) -> None:
        """Let those go who wait for a slow or dripping answer, and be up."""
        self.behaviour = "up"
        self.released.set()

    def jwks(self) -> dict[str, Any]:
        return {"keys": [public_jwk(self.key, self.algorithm, kid=self.key_id, alg=self.algorithm)]}

    def document(self, path: str) -> Any:
        """What is published at ``path``; ``documents`` overrides it."""
        published = {
            "/jwks.json": self.jwks(),
            "/elsewhere.json": self.jwks(),
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/jwks.json"},
        }
        return (published | self.documents).get(path)

    def trusted(self, **options: Any) -> TrustedIssuer:
        return TrustedIssuer(
            **{
                "issuer": self.url,
                "audiences": (AUDIENCE,),
                "jwks_uri": f"{self.url}/jwks.json",
                "algorithms": (self.algorithm,),
                **options,
            }
        )

    def claims(self, sub: Any = "auth0|alice", now: float | None = None, **claims: Any) -> dict[str, Any]:
        issued_at = int(time.time() if now is None else now)
        good = {
            "iss": self.url,
            "sub": sub,
            "aud": AUDIENCE,
            "iat": issued_at,
            "exp": issued_at + 3600,
            "azp": "oauth-client-1",
            "scope": "read write",
        }
        return {name: value for name, value in {**good, **claims}.items() if value is not ABSENT}

    def header(self, **parameters: Any) -> dict[str, Any]:
        good = {"alg": self.algorithm, "typ": "JWT", "kid": self.key_id}
        return {name: value for name, value in {**good, **parameters}.items() if value is not ABSENT}

    def token(self, sub: Any = "auth0|alice", **claims: Any) -> str:
        return self.sign(self.claims(sub, **claims))

    def sign(
        self,
        payload: Mapping[str, Any] | bytes,
        header: Mapping[str, Any] | bytes | None = None,
        key: PrivateKey | None = None,
    ) -> str:
        signed = f"{encode(self.header() if header is None else header)}.{encode(payload)}"
        signature = get_default_algorithms()[self.algorithm].sign(signed.encode(), key or self.key)
        return f"{signed}.{base64url(signature)}"


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        if self.path == "/jwks.json":
            self.issuer.fetches += 1
        document = self.issuer.document(self.path)
        body = json.dumps(document).encode()
        match self.issuer.behaviour:
            case "down":
                self._answer(503, b"{}")
            case "redirect" if self.path != "/elsewhere.json":
                self._answer(302, b"", location=f"{self.issuer.url}/elsewhere.json")
            case "huge":
                self._answer(200, body + b" " * 1_000_000)
            case "garbage":
                self._answer(200, b"<html>It works!</html>")
            case "dripping":
                self._drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            case "dripping-headers":
                self._drip(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            case "slow":
                self.issuer.released.wait(30)
                self._answer(200, body)
            case _:
                self._answer(404 if document is None else 200, body)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, first: bytes) -> None:
        self.wfile.write(first)
        while not self.issuer.released.wait(0.02):
            self.wfile.write(b" ")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the tests' output is theirs."""
