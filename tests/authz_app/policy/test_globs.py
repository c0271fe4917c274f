"""Globs, and texts that several of them match: exact, or not found."""

from fnmatch import fnmatchcase
from itertools import product

import pytest
from hypothesis import given, settings, strategies as st

from authz_app.policy.globs import common_text, escaped, matches

quickly = settings(deadline=None, max_examples=150)
patterns = st.text("ab*?[!]-", max_size=5)
sets = st.lists(patterns, max_size=3).map(tuple)
# With a letter that no pattern names. Long enough for what patterns of five characters can tell apart.
TEXTS = ["".join(letters) for size in range(5) for letters in product("ab-z", repeat=size)]


@quickly
@given(patterns, st.text("ab[]!-", max_size=5))
def test_a_glob_matches_as_fnmatch_has_it(pattern: str, text: str) -> None:
    assert matches(pattern, text) == fnmatchcase(text, pattern)


@quickly
@given(st.text(), st.text())
def test_an_escaped_text_matches_itself_alone(text: str, other: str) -> None:
    assert matches(escaped(text), text)
    assert matches(escaped(text), other) == (text == other)


@quickly
@given(sets, sets)
def test_a_common_text_is_one(wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> None:
    found = common_text(wanted, unwanted).text
    if found is not None:
        assert all(fnmatchcase(found, glob) for glob in wanted)
        assert not any(fnmatchcase(found, glob) for glob in unwanted)
    else:
        there = (text for text in TEXTS if all(fnmatchcase(text, glob) for glob in wanted))
        assert all(any(fnmatchcase(text, glob) for glob in unwanted) for text in there)


@pytest.mark.parametrize(
    ("wanted", "unwanted", "found"),
    [
        ((), (), True),
        (("a*", "*b"), (), True),
        (("a*", "*b"), ("a*b",), False),
        (("a*b", "*c*"), ("ac*",), True),
        (("orders://*",), ("orders://internal-*",), True),
        (("[a-c]",), ("a", "[c-d]"), True),
        (("[a-c]",), ("a", "[b-d]"), False),
        (("*",), ("*",), False),
        (("?",), ("[!x]",), True),
        (("[z-a]",), (), False),
        (("[",), ("[[]",), False),
    ],
)
def test_whether_globs_have_a_text_in_common(wanted: tuple[str, ...], unwanted: tuple[str, ...], found: bool) -> None:
    assert (common_text(wanted, unwanted).text is not None) == found


def test_a_search_that_takes_too_long_finds_nothing() -> None:
    assert common_text(tuple(f"*{letter}{'?' * 30}" for letter in "abcd"), ()).text is None
