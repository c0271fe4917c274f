"""The text of a search, taken apart."""

import pytest
from hypothesis import given, strategies as st

from authz_app.record_search.parser import LONGEST, Query, Term, parse, written

NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
TERMS = st.builds(Term, NAMES, st.lists(VALUES, min_size=1, max_size=4).map(tuple), st.booleans())


def test_words_and_qualifiers_are_told_apart() -> None:
    assert parse('Report agent tool:weather_*,"a b" -decision:allowed since:2d') == Query(
        "Report agent",
        (
            Term("tool", ("weather_*", "a b")),
            Term("decision", ("allowed",), negated=True),
            Term("since", ("2d",)),
        ),
    )


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("  ", Query()),
        ("-alice", Query("-alice")),
        ("auth0|65f1", Query("auth0|65f1")),
        ('"repo:org/x"', Query("repo:org/x")),
        ("TOOL:X", Query(terms=(Term("tool", ("X",)),))),
        ("tool:a:b", Query(terms=(Term("tool", ("a:b",)),))),
        ("since:2026-11-20T14:30", Query(terms=(Term("since", ("2026-11-20T14:30",)),))),
        (r'args:"say \"hi\" \\ there"', Query(terms=(Term("args", ('say "hi" \\ there',)),))),
    ],
)
def test_a_text_is_read(text: str, query: Query) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tool:", "A value is missing after tool:"),
        ("tool: x", "A value is missing after tool:"),
        ("tool:a,", "A value is missing after tool:"),
        ('tool:""', "A value is missing after tool:"),
        ('tool:"a', "A quotation mark is not closed."),
        ('"a', "A quotation mark is not closed."),
        ('tool:"a"b', "In tool: quotation marks go round a whole value"),
        ('tool:a"b"', "In tool: quotation marks go round a whole value"),
        ("a\0", "has a character that no record has"),
        ("a\ud800", "has a character that no record has"),
        ("x" * (LONGEST + 1), "1,000 characters at most"),
        ("a:" + "b," * 50 + "b", "a: has more than 50 values."),
        ("a:b " * 21, "20 qualifiers at most"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, problem: str) -> None:
    found = parse(text)
    assert problem in found.problems[0]
    assert (found.words, found.terms) == ("", ())


@given(st.text(st.characters() | st.sampled_from(':",- \\')))
def test_no_text_breaks_it(text: str) -> None:
    found = parse(text)
    assert not found.problems or not found.terms
    assert all(term.qualifier and all(term.values) for term in found.terms)


@given(st.just("") | VALUES, st.lists(TERMS, max_size=4).map(tuple))
def test_what_is_written_is_read_again(words: str, terms: tuple[Term, ...]) -> None:
    query = Query(words, terms)
    assert parse(written(query)) == query
