"""What is taken out of a record, what stays, and how large it may be.

Covers: authz_app.redaction.audit_level, authz_app.redaction.card_numbers, authz_app.redaction.named_values
Covers: authz_app.redaction.secret_names, authz_app.redaction.secret_shapes, authz_app.redaction.token_prefixes
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings, strategies as st

from authz_app.redaction import secret_shapes
from authz_app.redaction.audit_level import read_paths
from authz_app.redaction.redact import REDACTED, recorded_json, redact, redact_text
from authz_app.redaction.secret_shapes import without_secrets
from tests import harmless
from tests.bench.redaction import STRETCHES, repeated
from tests.secret_corpus import HARMLESS_NAMED, NAMED, SHAPED, Named, Secret

MOST = 8_192
JWT = next(secret for secret in SHAPED if secret.kind == "JWT").text

WRAPPED: dict[str, Callable[[str], Any]] = {
    "alone": lambda text: text,
    "as a member": lambda text: {"note": text},
    "deep, in a sentence": lambda text: {"deep": [{"er": [f"before {text} after"]}]},
    "as a name": lambda text: {text: "as a name"},
    "in JSON in a text": lambda text: {"body": json.dumps({"note": text})},
    "in JSON in JSON in a text": lambda text: {"body": json.dumps({"body": json.dumps([text])})},
    "in a parameter of a URL": lambda text: {"url": f"https://x.example/?q={quote(text)}&n=1"},
    "encoded twice": lambda text: {"url": f"https://x.example/?q={quote(quote(text))}&n=1"},
    "in an error": lambda text: {"error": f"ValueError({text!r})"},
    "where the text is cut": lambda text: {"long": "x" * 980 + " " + text},
    "beside a secret of another shape": lambda text: f"Bearer {'abc123' * 5} {text} password=x",
}


def parts_of(core: str) -> tuple[str, ...]:
    """The secret, and half of it: a part would be a leak, too."""
    return core, json.dumps(core)[1:-1], core[: max(len(core) // 2, 8)], core[-max(len(core) // 2, 8) :]


@pytest.mark.parametrize("secret", SHAPED, ids=lambda secret: secret.kind)
def test_what_has_the_shape_of_a_secret_is_not_recorded(secret: Secret) -> None:
    for how, wrap in WRAPPED.items():
        recorded = recorded_json(wrap(secret.text))
        assert REDACTED in recorded or "is cut" in how, (how, recorded)
        assert not [part for part in parts_of(secret.core) if part in recorded], (how, recorded)


@pytest.mark.parametrize("secret", NAMED, ids=lambda secret: secret.name)
def test_what_stands_under_a_secret_s_name_is_not_recorded_wherever_that_is(secret: Named) -> None:
    for value in (
        {"a": [{secret.name: secret.core}]},
        {"body": json.dumps({secret.name: secret.core})},
        {"headers": [{"name": secret.name, "value": secret.core}]},
        [secret.name, secret.core],
        f"{secret.name}={quote(secret.core)}",
    ):
        assert secret.core not in unquote(recorded_json(value)), value


def test_nobody_can_know_a_secret_that_has_neither_the_name_nor_the_shape_of_one_but_by_its_path() -> None:
    """The limit of all this, said plainly. ``docs/privacy.md`` tells what to do about it."""
    for core in HARMLESS_NAMED:
        assert core in recorded_json({"note": {"text": core}})
        assert core not in recorded_json({"note": {"text": core}}, [("note", "text")])


@pytest.mark.parametrize(
    ("path", "value", "left"),
    [
        ("one.iban", {"one": {"iban": "x", "n": 1}, "iban": "z"}, {"one": {"iban": REDACTED, "n": 1}, "iban": "z"}),
        ("customer", {"customer": {"iban": "x"}}, {"customer": REDACTED}),
        ("items.*.card", {"items": [{"card": "x", "n": 1}, 2]}, {"items": [{"card": REDACTED, "n": 1}, 2]}),
        ("items.card", {"items": [{"card": "x"}]}, {"items": [{"card": REDACTED}]}),
        ("*.card", {"a": {"card": "x"}, "b": [{"card": "y"}]}, {"a": {"card": REDACTED}, "b": [{"card": REDACTED}]}),
        ("items.*", {"items": ["x", 1]}, {"items": [REDACTED, REDACTED]}),
        ('"a.b"', {"a.b": "x", "a": {"b": "y"}}, {"a.b": REDACTED, "a": {"b": "y"}}),
        ("body.card", {"body": '{"card": "x", "n": 1}'}, {"body": f'{{"card":"{REDACTED}","n":1}}'}),
        ("there.is.none", {"there": "is"}, {"there": "is"}),
        ("n", {"n": None}, {"n": REDACTED}),
    ],
)  # fmt: skip
def test_what_a_path_leads_to_is_not_recorded_and_nothing_else_is_lost(path: str, value: Any, left: Any) -> None:
    assert redact(value, read_paths([path])) == left


def test_what_is_told_about_a_secret_is_recorded() -> None:
    about = {"password": None, "token": True, "secret": "", "has_password": "yes"}
    assert redact(about) == about


def test_numbers_that_are_cards_are_not_recorded() -> None:
    number = next(secret for secret in SHAPED if secret.kind == "card 4")
    assert redact({"n": int(number.core), "m": int(number.core) + 1}) == {"n": REDACTED, "m": int(number.core) + 1}


@pytest.mark.parametrize(
    "key",
    [
        "password", "Password", "passwords", "db_password", "passwd", "pwd", "db_pwd", "passphrase", "pass",
        "secret", "clientSecret", "client_secret", "token", "access_token", "refreshToken", "x-api-key", "apiKey",
        "api key", "APIKEY", "access_key", "private-key", "Authorization", "Set-Cookie", "credentials", "auth",
        "bearer", "sessionId", "session_id", "signature", "pin", "cvv", "otp", "appid", "jwt",
    ],
)  # fmt: skip
def test_what_stands_under_a_secret_s_name_is_not_recorded(key: str) -> None:
    for value in ("hunter2", 4711, ["hunter2"], {"at": "hunter2"}):
        assert redact({"a": [{key: value, "b": 1}]}) == {"a": [{key: REDACTED, "b": 1}]}


def test_ordinary_text_is_recorded_as_it_is() -> None:
    assert harmless.VALUES
    values: list[Any] = [{"text": text, "list": [text]} for text in harmless.VALUES]
    assert [value for value in values if redact(value) != value] == []


def test_ordinary_names_keep_their_values() -> None:
    assert harmless.NAMES
    assert [name for name in harmless.NAMES if redact({name: "Paris"}) != {name: "Paris"}] == []


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


@pytest.mark.parametrize("stretch", STRETCHES)
def test_a_text_is_not_looked_at_again_from_each_place_in_it(stretch: str) -> None:
    """That would take minutes. How much the work grows with the text is measured by the bench."""
    assert without_secrets(repeated(stretch, 200_000))


def test_what_is_looked_at_is_bounded_whatever_is_sent() -> None:
    wide: Any = "x"
    for _ in range(6):
        wide = [wide] * 100  # 10^12 values
    assert "too large to record" in recorded_json({"a": wide})


@given(st.text(st.sampled_from("eyJ.abcdefghijklmnopqrstuvwxyzAKIASZ0123456789=:@_-/ \"'&?<>%("), max_size=60))
def test_no_secret_is_without_the_hint_that_makes_us_look(text: str) -> None:
    assert secret_shapes.HINT.search(text) or secret_shapes._without_secrets(text, False) == text


def test_every_shape_has_the_hint() -> None:
    assert [secret.kind for secret in SHAPED if not secret_shapes.HINT.search(secret.text)] == []
