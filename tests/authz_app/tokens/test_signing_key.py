"""The embedded issuer's key: made once, private, and never replaced."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from authz_app.embedded_issuer.applications import ensure_service, issue_access_token
from authz_app.tokens import signing_key as keys
from authz_app.tokens.signing_key import IssuerKeyError, key_path, public_jwks
from tests.authz_app.embedded_issuer.issuing import verified


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "var"
    return tmp_path / "var"


def test_key_is_made_on_first_use_and_private(data_dir: Path) -> None:
    assert not data_dir.exists()
    kid = public_jwks()["keys"][0]["kid"]
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(key_path().stat().st_mode) == 0o600
    assert [path.name for path in data_dir.iterdir()] == ["issuer-key.pem"]
    assert public_jwks()["keys"][0]["kid"] == kid


def test_key_making_closes_a_directory_that_was_open(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o755)
    public_jwks()
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


def test_public_jwks_holds_nothing_private() -> None:
    (key,) = public_jwks()["keys"]
    assert set(key) == {"kty", "key_ops", "n", "e", "kid", "use", "alg"}
    assert key["key_ops"] == ["verify"]
    assert jwt.PyJWK(key).key.key_size >= 2048


def test_processes_that_start_at_once_agree_on_one_key(data_dir: Path) -> None:
    # Each says when it is ready and waits, so that all look for the key in the same moment.
    script = (
        "import sys; from django.conf import settings; settings.DATA_DIR = sys.argv[1]\n"
        "from authz_app.tokens.signing_key import public_jwks\n"
        "print('ready', flush=True); sys.stdin.readline(); print(public_jwks()['keys'][0]['kid'])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", script, str(data_dir)]
    processes = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    key_ids = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert key_ids == {public_jwks()["keys"][0]["kid"]}
    assert [path.name for path in data_dir.iterdir()] == ["issuer-key.pem"]


def test_key_that_others_can_read_is_refused() -> None:
    public_jwks()
    key_path().chmod(0o640)
    with pytest.raises(IssuerKeyError, match="others can read: run chmod 600"):
        public_jwks()
    key_path().chmod(0o600)
    assert public_jwks()["keys"]


def pem(key: Any) -> bytes:
    written: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return written


@pytest.mark.django_db
def test_replaced_key_is_noticed() -> None:
    application, _ = ensure_service("robot", ["read", "write"])
    before = issue_access_token(application, [], 60)
    replacement = key_path().with_name("new")
    replacement.touch(mode=0o600)
    replacement.write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    os.replace(replacement, key_path())
    after = issue_access_token(application, [], 60)
    assert verified(after)
    assert jwt.get_unverified_header(before)["kid"] not in {key["kid"] for key in public_jwks()["keys"]}


def test_unusable_key_files_are_named_and_never_replaced(data_dir: Path) -> None:
    data_dir.mkdir()
    unusable = {
        b"": "holds no unencrypted RSA private key",
        b"\xff\x00": "holds no unencrypted RSA private key",
        b"-----BEGIN PRIVATE KEY-----\ngarbage\n-----END PRIVATE KEY-----\n": "holds no unencrypted RSA private key",
        pem(ec.generate_private_key(ec.SECP256R1())): "holds no unencrypted RSA private key",
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)): "1024 bits are too few",
    }
    key_path().touch(mode=0o600)
    for content, complaint in unusable.items():
        key_path().write_bytes(content)
        with pytest.raises(IssuerKeyError, match=complaint):
            public_jwks()
        assert key_path().read_bytes() == content


def test_place_that_cannot_be_written_is_a_sentence(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.DATA_DIR = tmp_path / "file"
    with pytest.raises(IssuerKeyError, match=r"cannot use its key file .*issuer-key\.pem: "):
        public_jwks()


def test_tokens_and_keys_are_not_in_the_representation_of_the_key() -> None:
    assert "PRIVATE" not in repr(keys.signing_key())
