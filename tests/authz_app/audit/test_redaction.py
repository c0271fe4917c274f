"""What is taken out of a record, what stays, and how large it may be. No secret here is anybody's."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz_app.audit import redaction
from authz_app.audit.redaction import REDACTED, recorded_json, redact, redact_text

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
JWE = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXZpdml2aXY.Y2lwaGVydGV4dA.dGFndGFndGFn"
MOST = 8_192

SECRET_TEXTS = {
    "JWT": (JWT, JWT.split(".")),
    "JWT in a sentence": (f"use {JWT}, please", [JWT.split(".")[1]]),
    "JWT after another word": (f"token_{JWT}", [JWT.split(".")[2]]),
    "encrypted JWT, as Auth0's opaque tokens": (JWE, ["aXZpdml2aXY", "Y2lwaGVydGV4dA", "dGFndGFndGFn"]),
    "bearer header": ("Authorization: Bearer s3cr3t-opaque_token", ["s3cr3t"]),
    "bearer header in lower case": ("authorization: bearer s3cr3t-opaque_token", ["s3cr3t"]),
    "basic header": ("Authorization: Basic dXNlcjpwYXNzd29yZA==", ["dXNlcjpw"]),
    "OpenAI key": ("sk-proj-abcdEFGH1234567890abcd", ["EFGH"]),
    "Anthropic key": ("sk-ant-api03-abcdEFGH1234567890", ["EFGH"]),
    "Stripe key": ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", ["4eC39"]),
    "GitHub token": ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", ["klmnop"]),
    "GitHub fine-grained token": ("github_pat_11ABCDEFG0abcdefghijklmnop", ["0abcdef"]),
    "GitLab token": ("glpat-abcdefghij0123456789", ["ghij0123"]),
    "Slack token": ("xoxb-123456789012-abcdefGHIJ", ["abcdefGHIJ"]),
    "AWS key id": ("AKIAIOSFODNN7EXAMPLE", ["IOSFODNN7"]),
    "Google key": ("AIzaSyA1234567890abcdefghijklmnopqrstuv", ["abcdefghij"]),
    "URL with a password": ("postgres://user:hunter2@db.example/x", ["hunter2"]),
    "URL with a password alone": ("redis://:hunter2@cache.example", ["hunter2"]),
    "URL with an @ in its password": ("https://user:hunt@er2@example.com/", ["hunt", "er2"]),
    "query parameter": ("https://api.example/?q=1&appid=0123456789abcdef", ["0123456789"]),
    "signed URL": ("https://files.example/x?sig=abc%2Fdef123&e=1", ["def123"]),
    "MCP session's endpoint": ("POST /messages/?session_id=8f14e45fceea167a5a36dedd4bea2543", ["8f14e45f"]),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJB\n-----END RSA PRIVATE KEY-----", ["MIIB"]),
    "private key that was cut": ("-----BEGIN PRIVATE KEY-----\nMIIBOgIBAAJB", ["MIIB"]),
    "assignment": ("password=hunter2 ok", ["hunter2"]),
    "prefixed assignment": ("DB_PASSWORD = 'hunter2'", ["hunter2"]),
    "dashed assignment": ("--client-secret=hunter2", ["hunter2"]),
    "JSON in a text": ('{"api_key": "hunter2"}', ["hunter2"]),
    "repr in a text": ("{'password': 'hunter2'}", ["hunter2"]),
    "colon, and no word": ("token: 8f14e45fceea167a", ["8f14e45f"]),
}


@pytest.mark.parametrize(("text", "parts"), SECRET_TEXTS.values(), ids=SECRET_TEXTS)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: {"note": text},
        lambda text: {"deep": [{"er": [f"before {text} after"]}]},
        lambda text: {text: "as a key"},
    ],
    ids=["plain", "member", "nested", "key"],
)
def test_what_has_the_shape_of_a_secret_is_not_recorded(text: str, parts: list[str], wrap: Any) -> None:
    recorded = recorded_json(wrap(text))
    assert REDACTED in recorded
    for part in parts:
        assert part not in recorded


@pytest.mark.parametrize(
    "key",
    [
        "password", "Password", "passwords", "db_password", "passwd", "pwd", "db_pwd", "passphrase", "pass",
        "secret", "clientSecret", "client_secret", "token", "access_token", "refreshToken", "x-api-key", "apiKey",
        "api key", "APIKEY", "access_key", "private-key", "Authorization", "Set-Cookie", "credentials", "auth",
        "bearer", "sessionId", "session_id", "signature", "pin", "cvv", "otp", "appid", "jwt",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "value", ["hunter2", 4711, ["hunter2"], {"at": "hunter2"}], ids=["text", "int", "list", "dict"]
)
def test_what_stands_under_a_secret_s_name_is_not_recorded(key: str, value: Any) -> None:
    assert redact({"a": [{key: value, "b": 1}]}) == {"a": [{key: REDACTED, "b": 1}]}


@pytest.mark.parametrize(
    "text",
    [
        "If Auth0 returned an opaque token: request it with an audience",
        "the token was fine",
        "weather in Paris",
        "pin the tab",
        "Your access token lacks the token scope 'time' for the tool 'TimeTool'.",
        "password reset: see the mail",
        "The secret: patience.",
        "bearer of good news",
        "basic income",
        "https://example.com/a:b/c?d=e",
        "mail alice@example.com at 12:30",
        "http://127.0.0.1:8000/sse",
        "Europe/Berlin",
        "author=Alice&keyword=sun",
        "monkey=banana",
        "risk-free sk-ate",
        "0197a3c2-7c1e-7abc-8def-0123456789ab",
        "eyJ is how most of them begin",
    ],
)
def test_ordinary_text_is_recorded_as_it_is(text: str) -> None:
    assert redact({"text": text, "list": [text]}) == {"text": text, "list": [text]}


@pytest.mark.parametrize("key", ["city", "author", "keyword", "passenger", "pinned", "key", "monkey", "spin", "count"])
def test_ordinary_names_keep_their_values(key: str) -> None:
    assert redact({key: "Paris"}) == {key: "Paris"}


def test_long_texts_long_lists_and_deep_nesting_are_cut() -> None:
    deep: Any = "bottom"
    for _ in range(50):
        deep = [deep]
    cut = redact(
        {"text": "x" * 5_000, "list": list(range(500)), "dict": dict.fromkeys(map(str, range(500))), "d": deep}
    )
    assert cut["text"] == "x" * 1_000 + "... (5000 characters)"
    assert cut["list"] == [*range(100), "... (500 items)"]
    assert len(cut["dict"]) == 101
    assert "bottom" not in json.dumps(cut["d"])


def test_a_secret_that_straddles_the_cut_is_taken_out_whole() -> None:
    cut = redact_text("x" * 990 + " " + JWT)
    assert "eyJ" not in cut


def test_what_is_too_large_is_named_by_its_members() -> None:
    recorded = json.loads(recorded_json({"document": ["x" * 900] * 50, "password": "hunter2", JWT: 1}))
    assert recorded["members"] == ["document", "password", REDACTED]
    assert "too large to record" in recorded["..."]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=20,
)
hostile_texts = st.sampled_from(["\x00", "\x01", "\u2028", "\U0001f600", '"', "\\", "a", "é"]).flatmap(
    lambda character: st.integers(0, 5_000).map(lambda times: character * times)
)
hostile_values = st.dictionaries(
    st.tuples(st.text(max_size=3), hostile_texts).map("".join), hostile_texts | st.lists(hostile_texts), max_size=40
)


@settings(deadline=None, max_examples=80)
@given(json_values | hostile_values | hostile_texts | st.lists(hostile_texts, max_size=20))
def test_a_record_is_small_valid_json_without_nul_whatever_was_sent(value: Any) -> None:
    recorded = recorded_json(value)
    assert len(recorded.encode()) <= MOST
    assert "\x00" not in recorded and "\\u0000" not in recorded
    json.loads(recorded)


@pytest.mark.parametrize("key", ["k" * 2_000, "\x01" * 2_000, "\U0001f600" * 2_000, "\x00" * 2_000])
def test_names_of_any_length_leave_the_record_small(key: str) -> None:
    value = {f"{number}{key}": ["v" * 900] for number in range(100)}
    assert len(recorded_json(value).encode()) <= MOST


@pytest.mark.parametrize(
    "stretch",
    ["a-", "a_", "x-y-", "eyJ", "eyJaaaaaa.", "token:", "token:1", "token ", "token=", "://a:", "://:", "sk-",
     "Bearer ", "-----BEGIN PRIVATE ", "-----BEGIN PRIVATE KEY-----", "?key=", "password'", " ", "secret: "],
)  # fmt: skip
def test_no_text_makes_redaction_slow(stretch: str) -> None:
    # Linear patterns take a few hundredths of a second for this; one that reads a stretch twice takes many seconds.
    text = stretch * (400_000 // len(stretch))
    started = time.process_time()
    redact_text(text, 100_000)
    assert time.process_time() - started < 2.0


@given(st.text(st.sampled_from("eyJ.abcdefghijklmnopqrstuvwxyzAKIASZ0123456789=:@_-/ \"'&?"), max_size=60))
def test_no_secret_is_without_the_hint_that_makes_us_look(text: str) -> None:
    assert redaction._HINT.search(text) or not redaction._SECRET_VALUE.search(text)
