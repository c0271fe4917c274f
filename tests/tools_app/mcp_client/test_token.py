"""Access tokens by client credentials, from real token endpoints."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.tools_app.stub_service import Asked, Reply, stub_service
from tools_app.mcp_client.errors import ClientError, Refused, Unusable
from tools_app.mcp_client.token import fetched_token, given_token, token_request

SECRET = "s3cret-of-the-client"
CREDENTIALS = {"CLIENT_ID": "app", "CLIENT_SECRET": SECRET}
AUTH0 = CREDENTIALS | {"AUTH0_DOMAIN": "team.eu.auth0.com", "AUTH_AUDIENCE": "https://api.example.com"}
URL = "http://127.0.0.1:8000/sse"


def failure(url: str, environ: dict[str, str]) -> ClientError:
    with pytest.raises(ClientError) as caught:
        fetched_token(url, environ)
    assert SECRET not in str(caught.value)
    return caught.value


def site(token_reply: Reply, endpoint: str = "{site}/token"):
    """A site with an embedded issuer."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/.well-known/openid-configuration":
            return Reply({"token_endpoint": endpoint.format(site=f"http://{asked.headers['Host']}")})
        return token_reply

    return stub_service(answer)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 that this machine trusts for the length of a test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_auth0_is_asked_with_the_audience(tls):
    with stub_service(Reply({"access_token": "from.auth0", "token_type": "Bearer"}), tls) as auth0:
        environ = AUTH0 | {"AUTH0_DOMAIN": auth0.url.removeprefix("https://")}
        assert fetched_token(URL, environ) == "from.auth0"
    assert (auth0.asked[0].method, auth0.asked[0].path) == ("POST", "/oauth/token")
    assert parse_qs(auth0.asked[0].body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["app"],
        "client_secret": [SECRET],
        "audience": ["https://api.example.com"],
    }


@pytest.mark.parametrize("domain", ["team.eu.auth0.com", "https://team.eu.auth0.com/"])
def test_auth0_is_always_asked_over_https(domain):
    assert token_request(URL, AUTH0 | {"AUTH0_DOMAIN": domain}).endpoint == "https://team.eu.auth0.com/oauth/token"


def test_of_several_audiences_the_first_is_asked_for():
    request = token_request(URL, AUTH0 | {"AUTH_AUDIENCE": "one, two"})
    assert request.target == ("audience", "one")


def test_the_secret_is_not_in_the_request_as_it_prints():
    assert SECRET not in repr(token_request(URL, AUTH0))


def test_without_auth0_the_sites_own_issuer_is_asked_with_the_resource():
    with site(Reply({"access_token": "from.site"})) as issuer:
        assert fetched_token(f"{issuer.url}/sse", CREDENTIALS) == "from.site"
        assert parse_qs(issuer.asked[-1].body.decode())["resource"] == [f"{issuer.url}/sse"]


def test_a_site_without_an_issuer_is_a_sentence():
    with stub_service(Reply({}, 404)) as bare:
        error = failure(f"{bare.url}/sse", CREDENTIALS)
    assert isinstance(error, Unusable)
    assert "no embedded issuer" in str(error)


def test_the_secret_is_not_sent_over_plain_http_to_another_machine():
    with site(Reply({}), endpoint="http://elsewhere.example/token") as issuer:
        assert "is not sent to http://elsewhere.example/token" in str(failure(f"{issuer.url}/sse", CREDENTIALS))


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "four ways"),
        ({"AUTH0_DOMAIN": "team.eu.auth0.com", "AUTH_AUDIENCE": "x"}, "CLIENT_ID, CLIENT_SECRET"),
        ({"CLIENT_ID": "app"}, "CLIENT_SECRET is not set"),
        ({"CLIENT_SECRET": SECRET}, "CLIENT_ID is not set"),
        (CREDENTIALS | {"AUTH0_DOMAIN": "team.eu.auth0.com"}, "AUTH_AUDIENCE is not set"),
    ],
)
def test_what_is_missing_is_named(environ, says):
    error = failure(URL, environ)
    assert isinstance(error, Unusable)
    assert says in str(error)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply({"error": "invalid_client", "error_description": "Who?"}, 401), "HTTP 401, invalid_client: Who?"),
        (Reply({"error": "invalid_client", "error_description": f"Wrong {SECRET}"}, 401), "Wrong ..."),
        (Reply({"error": "invalid_target"}, 400), "HTTP 400, invalid_target"),
        (Reply(b"<html>", 502), "HTTP 502, its answer holds no token"),
        (Reply({"access_token": ""}), "empty or has characters"),
        (Reply({"access_token": 5}), "its answer holds no token"),
        (Reply([]), "its answer holds no token"),
        (Reply({"access_token": "x"}, 302, {"Location": "/else"}), "HTTP 302"),
    ],
)  # fmt: skip
def test_a_token_endpoint_that_gives_no_token_is_a_sentence(reply, says):
    with site(reply) as issuer:
        assert says in str(failure(f"{issuer.url}/sse", CREDENTIALS))


def test_a_refusal_of_the_token_endpoint_counts_as_refused():
    with site(Reply({"error": "invalid_client"}, 401)) as issuer:
        assert isinstance(failure(f"{issuer.url}/sse", CREDENTIALS), Refused)


def test_a_site_that_is_not_there_is_a_sentence():
    assert "127.0.0.1:1 cannot be reached" in str(failure("http://127.0.0.1:1/sse", CREDENTIALS))


@pytest.mark.parametrize("text", ["abc.def-_~+/==", " abc\n", "Bearer abc"])
def test_a_given_token_is_taken_as_pasted(text):
    assert given_token(text) == text.strip().removeprefix("Bearer ")
