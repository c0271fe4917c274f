"""Two hundred secrets, made up here: of the shapes of real ones, and nobody's. None stands in this file as it is.

Each has a ``core``: what must not be found anywhere. ``SHAPED`` ones are known by how they look, wherever they are;
``NAMED`` ones by the name that they stand under. ``HARMLESS_NAMED`` ones nobody can know but whoever says where they
are.
"""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Any, NamedTuple
from urllib.parse import quote

_ANY = ascii_letters + digits
_HEX = "0123456789abcdef"
_URL_SAFE = _ANY + "_-"
_BASE32 = ascii_uppercase + "234567"


class Secret(NamedTuple):
    """``text`` is the secret with what stands around it."""

    kind: str
    text: str
    core: str


class Named(NamedTuple):
    """A secret under a name, in JSON."""

    name: str
    core: str


class _Maker:
    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)

    def some(self, length: int, of: str = _ANY) -> str:
        """Characters, the first of them a letter and one a digit, so that no word is made by chance."""
        made = "".join(self._chance.choice(of) for _ in range(length))
        return made if any(one.isdigit() for one in made) or not set(of) & set(digits) else self.some(length, of)

    def word(self) -> str:
        return f"{self.some(6, ascii_lowercase)}{self.some(4, digits)}"

    def base64(self, length: int) -> str:
        return b64encode(self._chance.randbytes(length)).decode()

    def jwt_part(self, value: dict[str, Any]) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    def card(self, beginning: str, length: int) -> str:
        made = beginning + "".join(self._chance.choice(digits) for _ in range(length - len(beginning) - 1))
        doubled = [int(one) * 2 if place % 2 == 0 else int(one) for place, one in enumerate(reversed(made))]
        return made + str(-sum(one - 9 if one > 9 else one for one in doubled) % 10)


# How tokens of services begin, in two parts, so that no scanner takes a line of this for one; and what follows.
_TOKENS: tuple[tuple[str, str, int, str], ...] = (
    ("sk", "_live_", 24, _ANY), ("rk", "_live_", 24, _ANY),
    ("sk", "_test_", 24, _ANY), ("wh", "sec_", 32, _ANY),
    ("sk", "-proj-", 48, _URL_SAFE), ("sk", "-ant-api03-", 60, _URL_SAFE), ("sk", "-", 48, _ANY),
    ("gh", "p_", 36, _ANY), ("gh", "o_", 36, _ANY), ("gh", "s_", 36, _ANY),
    ("github", "_pat_", 60, _ANY), ("gl", "pat-", 20, _ANY),
    ("gl", "rt-", 20, _ANY), ("xo", "xb-", 40, _ANY), ("xo", "xp-", 40, _ANY),
    ("xa", "pp-1-", 40, _ANY), ("AK", "IA", 16, _BASE32), ("AS", "IA", 16, _BASE32),
    ("AI", "za", 35, _URL_SAFE), ("ya", "29.", 60, _URL_SAFE), ("GOC", "SPX-", 28, _ANY),
    ("np", "m_", 36, _ANY), ("py", "pi-AgEIcHlwaS5vcmc", 60, _ANY),
    ("rubygems", "_", 48, _HEX), ("do", "p_v1_", 64, _HEX), ("shp", "at_", 32, _HEX), ("shp", "ss_", 32, _HEX),
    ("h", "f_", 34, ascii_letters), ("da", "pi", 32, _HEX), ("lin", "_api_", 40, _ANY),
    ("nt", "n_", 46, _ANY), ("fig", "d_", 40, _URL_SAFE), ("PM", "AK-", 58, _HEX),
    ("sntry", "s_", 60, _ANY), ("NR", "AK-", 27, ascii_uppercase + digits),
    ("gl", "sa_", 32, _ANY), ("pscale", "_tkn_", 43, _ANY),
    ("hv", "s.", 90, _URL_SAFE), ("dp", ".pt.", 43, _ANY), ("sb", "p_", 40, _HEX),
    ("gs", "k_", 52, _ANY), ("pp", "lx-", 48, _HEX), ("r", "8_", 37, _ANY),
    ("lsv2", "_pt_", 32, _HEX), ("pc", "sk_", 60, _ANY), ("EZ", "AK", 40, _ANY),
    ("CF", "PAT-", 43, _ANY), ("rd", "me_", 60, _HEX), ("tf", "p_", 40, _ANY),
    ("HR", "KU-", 36, _HEX), ("pu", "l-", 40, _HEX), ("xke", "ysib-", 64, _HEX), ("nf", "p_", 40, _ANY),
    ("bk", "ua_", 40, _HEX), ("sg", "p_", 40, _HEX), ("ts", "key-auth-", 30, _ANY),
    ("CLO", "JARS_", 60, _HEX), ("LT", "AI", 20, _ANY), ("sq0", "atp-", 22, _ANY),
    ("ATA", "TT3", 80, _ANY), ("dckr", "_pat_", 27, _ANY), ("ke", "y-", 32, _HEX),
    ("AGE-SECRET", "-KEY-1", 58, ascii_uppercase + digits), ("v", "cp_", 32, _ANY),
    ("secret", "_", 43, _ANY), ("xa", "i-", 80, _ANY),
)  # fmt: skip

_SCHEMES = ("postgres", "mysql", "redis", "amqp", "mongodb+srv", "https", "ftp", "smtp", "ldaps", "sftp")
_KEYS = ("RSA PRIVATE", "PRIVATE", "EC PRIVATE", "OPENSSH PRIVATE", "ENCRYPTED PRIVATE", "DSA PRIVATE")
_CARDS = (("4", 16), ("4", 19), ("51", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("3528", 16),
          ("36", 14), ("62", 16))  # fmt: skip
_AFTER_NAMES: tuple[tuple[str, str], ...] = (
    ("assignment", "DB_PASSWORD={}"), ("quoted assignment", "api_key = '{}'"), ("shell", "export CLIENT_SECRET={}"),
    ("option", "login --password {} --verbose"), ("option with =", "login --access-token={}"),
    ("curl", "curl -u ada:{} https://api.example"), ("curl header", "curl -H 'X-Api-Key: {}' https://api.example"),
    ("JSON", '{{"refresh_token": "{}", "n": 1}}'), ("broken JSON", 'got {{"clientSecret": "{}", "n"'),
    ("escaped JSON", '"{{\\"password\\":\\"{}\\"}}"'), ("repr", "{{'password': '{}'}}"),
    ("pair", "('authorization', '{}')"),
    ("bytes pair", "(b'cookie', b'{}')"), ("YAML", "user: ada\npassword: {}\nport: 1"), ("XML", "<pwd>{}</pwd>"),
    ("header", "Authorization: {}"), ("lower-case header", "authorization: {}"),
    ("cookie", "Cookie: theme=dark; sid={}"),
    ("set-cookie", "Set-Cookie: session={}; HttpOnly"), ("custom header", "X-Vault-Token: {}"),
    ("query", "https://api.example/v1?user=ada&access_token={}&x=1"), ("signed URL", "https://f.example/x?sig={}&e=1"),
    ("key in a query", "https://maps.example/api?key={}"), ("fragment", "https://app.example/cb#id_token={}&state=x"),
    ("encoded query", "next=https%3A%2F%2Fa.example%3Ftoken%3D{}%26x"), ("form", "grant=password&password={}&user=ada"),
    ("OAuth code", "https://app.example/cb?code={}&state=1"), ("session", "POST /messages/?session_id={}"),
    ("ODBC", "Server=db;Uid=sa;Pwd={};Database=x"), ("Azure", "AccountName=x;AccountKey={};EndpointSuffix=y"),
    ("JDBC", "jdbc:postgresql://db/x?user=ada&password={}"), ("netrc", "machine a.example login ada password {}"),
    ("sentence", "my password is {} by the way"), ("PIN in a sentence", "The PIN is now: {}"),
    ("TOTP", "otpauth://totp/x?secret={}&issuer=y"), ("properties", "spring.datasource.password={}"),
    ("INI", "[db]\npasswd = {}\n"), ("Python", "connect(password='{}', host='x')"), ("German", "Passwort: {}"),
    ("colon", "token: {}"),
)  # fmt: skip
_NAMES = (
    "password", "userPassword", "db_password", "passwd", "pwd", "passphrase", "secret", "client_secret", "clientSecret",
    "apiKey", "api-key", "x-api-key", "access_token", "refreshToken", "idToken", "Authorization", "Cookie",
    "set-cookie",
    "credentials", "privateKey", "signing_key", "encryptionKey", "session_id", "csrfToken", "otp", "cvv", "pin",
    "card_number", "bearer", "auth", "masterKey", "recovery_code", "one_time_code", "seed_phrase", "密码", "passwort",
)  # fmt: skip


def _tokens(make: _Maker) -> Iterator[Secret]:
    for first, second, length, of in _TOKENS:
        core = make.some(length, of)
        yield Secret(f"{first}{second}", f"{first}{second}{core}", core)
    core = make.some(35, _URL_SAFE)
    yield Secret("bot of Telegram", f"{make.some(10, digits)}:A{'A'}{core}", core)
    core = make.some(22, _URL_SAFE)
    yield Secret("SendGrid", f"S{'G'}.{core}.{make.some(43, _URL_SAFE)}", core)
    core = make.some(32, _HEX)
    yield Secret("Mailchimp", f"{core}-u{'s'}21", core)
    core = make.some(24)
    yield Secret("Slack's webhook", f"https://hooks.slack.com/services/T{make.some(8)}/B{make.some(8)}/{core}", core)


def _jwts(make: _Maker) -> Iterator[Secret]:
    for kind, head in (("JWT", {"alg": "RS256"}), ("JWT with a key id", {"typ": "JWT", "alg": "ES256", "kid": "1"})):
        core = make.some(86, _URL_SAFE)
        yield Secret(kind, f"{make.jwt_part(head)}.{make.jwt_part({'sub': make.word()})}.{core}", core)
    core = make.some(60, _URL_SAFE)
    head = make.jwt_part({"alg": "dir", "enc": "A256GCM"})
    yield Secret("JWE", f"{head}..{make.some(16)}.{core}.{make.some(22)}", core)


def _keys(make: _Maker) -> Iterator[Secret]:
    for kind in _KEYS:
        core = make.some(64)
        yield Secret(
            f"{kind} KEY", f"-----BEGIN {kind} KEY-----\n{core}\n{make.some(40)}=\n-----END {kind} KEY-----", core
        )
    core = make.some(64)
    yield Secret("private key that was cut", f"-----BEGIN PRIVATE KEY-----\n{core}", core)
    core = make.some(64)
    yield Secret("PGP", f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{core}\n-----END PGP PRIVATE KEY BLOCK-----", core)
    wrapped = b64encode(f"-----BEGIN PRIVATE KEY-----\n{make.some(48)}\n".encode()).decode()
    yield Secret("private key in base64", wrapped, wrapped[40:80])
    core = make.some(43, _URL_SAFE)
    yield Secret("JWK", json.dumps({"kty": "EC", "crv": "P-256", "x": "AAAA", "d": core}), core)


def _urls(make: _Maker) -> Iterator[Secret]:
    for scheme in _SCHEMES:
        core = make.some(18)
        yield Secret(f"{scheme} URL", f"{scheme}://ada:{core}@host.example:1234/x?y=1", core)
    core = make.some(12)
    yield Secret("URL with a password alone", f"redis://:{core}@cache.example/0", core)
    core = f"{make.some(9)}/{make.some(9)}"
    yield Secret("URL with a slash in its password", f"postgres://ada:{core}@host.example/x", core)
    core = make.some(14)
    yield Secret("URL in a URL", f"https://a.example/?next={quote(f'https://ada:{core}@b.example/', safe='')}", core)


def _cards(make: _Maker) -> Iterator[Secret]:
    for beginning, length in _CARDS:
        number = make.card(beginning, length)
        yield Secret(f"card {beginning}", number, number)
    number = make.card("4", 16)
    spaced = " ".join(number[place : place + 4] for place in range(0, 16, 4))
    yield Secret("card with spaces", f"pay with {spaced}, please", spaced)
    number = make.card("55", 16)
    dashed = "-".join(number[place : place + 4] for place in range(0, 16, 4))
    yield Secret("card with dashes", dashed, dashed)


def _headers(make: _Maker) -> Iterator[Secret]:
    core = make.some(30)
    yield Secret("Bearer", f"Bearer {core}", core)
    core = b64encode(f"ada:{make.some(20)}".encode()).decode().rstrip("=")
    yield Secret("Basic", f"Basic {core}", core)
    core = make.some(64, _HEX)
    yield Secret(
        "AWS4",
        f"AWS4-HMAC-SHA256 Credential={make.some(8)}/x/s3/aws4_request, SignedHeaders=host, Signature={core}",
        core,
    )


def _after_names(make: _Maker) -> Iterator[Secret]:
    for kind, around in _AFTER_NAMES:
        core = make.some(20)
        yield Secret(kind, around.format(core), core)


_PARTS: tuple[Callable[[_Maker], Iterator[Secret]], ...] = (
    _tokens,
    _jwts,
    _keys,
    _urls,
    _cards,
    _headers,
    _after_names,
)
_make = _Maker(20261127)
SHAPED: tuple[Secret, ...] = tuple(secret for part in _PARTS for secret in part(_make))
NAMED: tuple[Named, ...] = tuple(Named(name, f"{_make.some(8)} {_make.word()}") for name in _NAMES)
# Words, a number, a key without a beginning: under a harmless name nothing tells them from what is no secret.
HARMLESS_NAMED: tuple[str, ...] = (
    *(" ".join(_make.some(length, ascii_lowercase) for length in (7, 8, 9)) for _ in range(6)),
    *(_make.some(12) for _ in range(4)),
    *(_make.some(40, _ANY + "+/") for _ in range(3)),
    *(_make.some(32, _HEX) for _ in range(3)),
)  # fmt: skip
