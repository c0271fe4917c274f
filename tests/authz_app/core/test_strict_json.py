"""JSON that a stranger sent: what is read is what was written, and everything else is refused in one way.

Covers: authz_app.core.salvaged_json
"""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from authz_app.core.salvaged_json import salvaged
from authz_app.core.strict_json import JsonRefused, parse, parse_of_any_size

DEPTH = 8
CUT = "... (1001 characters)"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-(10**1_000) + 1, 10**1_000 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
quickly = settings(deadline=None, max_examples=200)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner)) if inner else 0


@quickly
@given(values, st.booleans(), st.sampled_from([None, 2, "\t"]))
def test_what_json_writes_within_the_limits_is_read_back_the_same(value: Any, ascii_only: bool, indent: Any) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert parse(body, depth(value)) == value


@quickly
@given(values.filter(depth))
def test_what_is_nested_deeper_than_allowed_is_refused(value: Any) -> None:
    with pytest.raises(JsonRefused, match="nested too deeply"):
        parse(json.dumps(value).encode(), depth(value) - 1)


fragments = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"', '"a"', "1", "-", "1e999", "NaN", "\\", "\\u0000", "\\ud800", "\x00", "\ufeff",
     " ", "9" * 25, "true", "\u0660", "0x1", ".5", "[" * 2_000, '{"a":' * 2_000]
)  # fmt: skip


@quickly
@given(st.binary(max_size=200) | st.lists(fragments, max_size=30).map(lambda parts: "".join(parts).encode()))
def test_any_bytes_are_either_read_or_refused(body: bytes) -> None:
    for read in (lambda body: parse(body, DEPTH), parse_of_any_size):
        with suppress(JsonRefused):
            read(body)
    json.dumps(salvaged(body), ensure_ascii=False, allow_nan=False).encode()


def test_values_of_any_size_are_left_to_whoever_uses_them() -> None:
    assert parse_of_any_size(b"[" * 100 + b"9" * 25 + b"]" * 100)
    with pytest.raises(JsonRefused):
        parse_of_any_size(b"9" * 5_000)


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 2}', b"NaN", b"\xef\xbb\xbf1", "1".encode("utf-16"), b"1 2"])
def test_what_two_parsers_could_read_differently_is_refused_at_any_size(body: bytes) -> None:
    with pytest.raises(JsonRefused):
        parse_of_any_size(body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a": 1, "a": 2}', "two members of the same name"),
        (b'[{"x": {"b": 1, "\\u0062": 1}}]', "two members of the same name"),
        (b"NaN", "NaN is not"),
        (b"[Infinity]", "Infinity is not"),
        (b"-Infinity", "-Infinity is not"),
        (b"1e999", "too large"),
        (b"-1e999", "too large"),
        (b"1" * 1_001, "1,000 digits at most"),
        (b"-" + b"1" * 1_001, "1,000 digits at most"),
        (b"1" * 5_000, "too large"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        ('"ü"'.encode("utf-16"), "not UTF-8"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
        (b'"a\nb"', "control character"),
        (b"{'a': 1}", "double quotes"),
        (b"[1,]", "Expecting value"),
        (b"[1] [2]", "Extra data"),
        (b"", "Expecting value"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 9 + b"1" + b"]" * 9, "nested too deeply"),
        (b"// note\n1", "Expecting value"),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(JsonRefused, match=why):
        parse(body, DEPTH)


def test_a_refusal_does_not_quote_what_was_sent() -> None:
    with pytest.raises(JsonRefused) as caught:
        parse(b'{"password": "hunter2" "b": 1}', DEPTH)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**64, -(2**63) - 1, 10**1_000 - 1, 1 - 10**1_000, 0, -1])
def test_integers_of_a_thousand_digits_are_read_exactly(number: int) -> None:
    assert parse(str(number).encode(), 0) == number
    assert parse_of_any_size(str(number).encode()) == number


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"id": 1, "a": 2, "a": 3}', {"id": 1}),
        (b'{"a": ' + b"9" * 1_001 + b', "b": 1e999, "id": 1}', {"a": CUT, "b": "... (5 characters)", "id": 1}),
        (b'{"a": NaN, "id": "x"}', {"a": "... (3 characters)", "id": "x"}),
        (b'{"id": 1, "a": "\\ud800"}', {"id": 1, "a": "\ufffd"}),
        (b'{"id": 1, "a": "\xff"}', {"id": 1, "a": "\ufffd"}),
        (b'\xef\xbb\xbf{"id": 1}', {"id": 1}),
        (b'{"jsonrpc": "2.0", "id": 1, "a": {"b": ' + b"[" * 100_000, {"jsonrpc": "2.0", "id": 1}),
        (b'{"id": 1', None),
        (b"[" * 100_000, None),
        ('{"id": 1}'.encode("utf-16"), None),
        (b"", None),
    ],
)
def test_of_what_is_refused_is_kept_what_can_be_read(body: bytes, value: Any) -> None:
    assert salvaged(body) == value


def test_what_is_kept_of_deep_nesting_is_no_deeper_than_anybody_looks() -> None:
    kept = salvaged(b'{"id": 1, "a": ' + b"[" * 500 + b"]" * 500 + b"}")
    assert kept["id"] == 1
    assert depth(kept) < 30


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse(b'"\\ud83d\\ude00"', 0) == "\U0001f600"
