"""Access tokens that no resource server may accept, each by its name: forged, broken, expired, or meant for others."""

import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.issuer import ABSENT, Issuer, base64url, encode, private_key

# From a trusted issuer and the audience of the site under attack to a token.
Forgery = Callable[[Issuer, str], str]


def unsigned(header: dict[str, Any]) -> Forgery:
    return lambda issuer, audience: f"{encode(header)}.{encode(issuer.claims('alice', aud=audience))}."


def confused(issuer: Issuer, audience: str) -> str:
    """HMAC with the issuer's public key as its secret."""
    public = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": issuer.key_id}
    signing_input = f"{encode(header)}.{encode(issuer.claims('alice', aud=audience))}"
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signing_input.encode(), public)
    return f"{signing_input}.{base64url(signature)}"


def with_header(**parameters: Any) -> Forgery:
    return lambda issuer, audience: issuer.sign(issuer.claims("alice", aud=audience), issuer.header(**parameters))


def with_claims(**claims: Any) -> Forgery:
    return lambda issuer, audience: issuer.token(**{"sub": "alice", "aud": audience, **claims})


def with_payload(payload: bytes) -> Forgery:
    return lambda issuer, audience: issuer.sign(payload)


def signed_by_another(issuer: Issuer, audience: str) -> str:
    return issuer.sign(issuer.claims("alice", aud=audience), key=private_key("RS256", 99))


def of_another_issuer(issuer: Issuer, audience: str) -> str:
    """Rightly signed by an issuer that nobody trusts, with the key id of one that is."""
    with Issuer() as other:
        return other.token(sub="alice", aud=audience)


NOW = int(time.time())
FORGERIES: dict[str, Forgery] = {
    "algorithm none": unsigned({"alg": "none", "typ": "JWT"}),
    "algorithm None": unsigned({"alg": "None", "typ": "JWT"}),
    "algorithm confusion": confused,
    "algorithm not allowed": with_header(alg="RS512"),
    "algorithm missing": with_header(alg=ABSENT),
    "algorithm a number": with_header(alg=5),
    "key id unknown": with_header(kid="no-such-key"),
    "key id a path": with_header(kid="../../../../dev/null"),
    "key id an injection": with_header(kid="x' UNION SELECT 'key"),
    "key id huge": with_header(kid="k" * 5_000),
    "key id a list": with_header(kid=["key-0"]),
    "key by reference": with_header(jku="https://evil.example/jwks.json", kid="evil"),
    "key in the header": with_header(jwk={"kty": "oct", "k": "AAAA"}, kid="evil"),
    "certificate by reference": with_header(x5u="https://evil.example/cert.pem", kid="evil"),
    "critical extension": with_header(crit=["exp"]),
    "another's signature": signed_by_another,
    "another issuer": of_another_issuer,
    "no issuer": with_claims(iss=ABSENT),
    "issuer a list": with_claims(iss=["a", "b"]),
    "no subject": with_claims(sub=ABSENT),
    "subject empty": with_claims(sub=""),
    "subject a number": with_claims(sub=5),
    "subject with NUL": with_claims(sub="al\x00ice"),
    "no audience": with_claims(aud=ABSENT),
    "another audience": with_claims(aud="https://other.example"),
    "audience by prefix": lambda issuer, audience: issuer.token(sub="alice", aud=f"{audience}/more"),
    "audience of numbers": with_claims(aud=[1, 2]),
    "no expiry": with_claims(exp=ABSENT),
    "expired": with_claims(exp=NOW - 3_600),
    "expiry absurd": with_claims(exp=10**400),
    "expiry a string": with_claims(exp="tomorrow"),
    "expiry true": with_claims(exp=True),
    "not yet valid": with_claims(nbf=NOW + 3_600),
    "sender-constrained": with_claims(cnf={"jkt": "x"}),
    "id token": with_claims(nonce="n", at_hash="h"),
    "claim with NUL": with_claims(department="a\x00b"),
    "payload a list": with_payload(b"[1]"),
    "payload not JSON": with_payload(b"\xff\xfe"),
    "payload in UTF-16": with_payload('{"iss": "x"}'.encode("utf-16")),
    "payload deep": with_payload(b'{"a":' + b"[" * 3_000 + b"]" * 3_000 + b"}"),
    "claims twice": with_payload(b'{"iss": "a", "iss": "b"}'),
    "opaque": lambda issuer, audience: "k3yb04rdc4t",
    "encrypted": lambda issuer, audience: "a.b.c.d.e",
    "empty parts": lambda issuer, audience: "..",
    "huge": lambda issuer, audience: "a" * 16_100,
}
