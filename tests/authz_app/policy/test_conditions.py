"""What conditions come to: one table for what is written down, and properties for all else.

Covers: authz_app.policy.condition_syntax
"""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from authz_app.policy.condition_syntax import (
    BadCondition,
    in_words,
    path_of,
    read,
    stored,
    typed,
    typed_line,
    value_text,
)
from authz_app.policy.conditions import PRESENCE, ROOTS, Condition, Operator, verdict

quickly = settings(deadline=None, max_examples=150)
TABLE: list[tuple[str, Any, bool | None]] = [
    # The same text, number, boolean or null. Types are never converted.
    ("equals Paris", "Paris", True),
    ("equals Paris", "paris", False),
    ("equals Paris", ["Paris"], None),
    ("equals Paris", {"Paris": 1}, None),
    ("equals Paris", 1, None),
    ("equals Paris", None, None),
    ("equals 1", 1, True),
    ("equals 1", 1.0, True),
    ("equals 1", 2, False),
    ("equals 1", True, None),
    ("equals 1", "1", None),
    ('equals "1"', "1", True),
    ('equals "1"', 1, None),
    ("equals true", True, True),
    ("equals true", False, False),
    ("equals true", 1, None),
    ("equals true", "true", None),
    ("equals null", None, True),
    ("equals null", 0, None),
    ("equals 1", float("nan"), None),
    # One of several, all of one type.
    ("in Paris, Rome", "Rome", True),
    ("in Paris, Rome", "Oslo", False),
    ("in Paris, Rome", 1, None),
    ("in 1, 2.5", 2.5, True),
    ("in 1, 2.5", True, None),
    ('in ["a, b"]', "a, b", True),
    ("in true", False, False),
    # A text that holds the value, or a list that has it.
    ("contains dev", "devops", True),
    ("contains dev", "Devops", False),
    ("contains dev", "", False),
    ("contains dev", ["dev", "ops"], True),
    ("contains dev", ["devops"], False),
    ("contains dev", [], False),
    ("contains dev", [1, "dev"], True),
    ("contains dev", [1, "ops"], None),
    ("contains dev", [["dev"]], None),
    ("contains dev", {"dev": 1}, None),
    ("contains 1", [1.0], True),
    ("contains 1", [True], None),
    ("contains 1", "1", None),
    ("contains null", [None], True),
    # The whole text, minding its case.
    ("glob P*s", "Paris", True),
    ("glob P*s", "paris", False),
    ("glob P*s", "Paris!", False),
    ("glob P*s", ["Paris"], None),
    ("glob 5*", 55, None),
    ("glob [", "[", True),
    # Whether there is something, whatever it is.
    ("exists", None, True),
    ("exists", [], True),
    ("absent", None, False),
    ("absent", "x", False),
]


@pytest.mark.parametrize(("condition", "value", "expected"), TABLE)
def test_what_a_condition_comes_to(condition: str, value: Any, expected: bool | None) -> None:
    assert verdict(typed_line(f"arguments.x {condition}"), {"x": value}) is expected


@pytest.mark.parametrize("operator", Operator)
@pytest.mark.parametrize("values", [{}, {"x": {}}, {"x": "y"}, {"x": [{"y": 1}]}, {"x": None}, {"X": {"y": 1}}])
def test_what_is_missing_is_unknown_but_to_those_who_ask_for_that(operator: Operator, values: dict[str, Any]) -> None:
    value = {Operator.EXISTS: "", Operator.ABSENT: ""}.get(operator, "1")
    expected = {Operator.EXISTS: False, Operator.ABSENT: True}.get(operator)
    assert verdict(typed("arguments.x.y", operator, value), values) is expected


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("claims.org.id", {"org": {"id": 1}}),
        ('claims."https://example.com/roles"', {"https://example.com/roles": 1}),
        ('claims.a."b c"."d\\"e"', {"a": {"b c": {'d"e': 1}}}),
        ('claims.""', {"": 1}),
        ("claims.über", {"über": 1}),
        ('claims."org"', {"org": 1}),
        ("claims.https://example", {"https://example": 1}),
    ],
)
def test_a_path_leads_through_names_however_odd(path: str, values: dict[str, Any]) -> None:
    assert verdict(typed(path, "equals", "1"), values) is True


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**1_000) + 1, 10**1_000 - 1)
    | st.floats(-1e9, 1e9, allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
lists = st.lists(st.text(max_size=4), min_size=1, max_size=3) | st.lists(st.integers(-9, 9), min_size=1, max_size=3)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    operator = draw(st.sampled_from(list(Operator)))
    value: Any = None
    if operator is Operator.IN:
        value = tuple(draw(lists.filter(lambda values: all(not isinstance(v, str) or v.isprintable() for v in values))))
    elif operator is Operator.GLOB:
        value = draw(st.text("ab*?[]!", max_size=6))
    elif operator not in PRESENCE:
        value = draw(scalars)
    names = draw(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), min_size=1, max_size=3))
    return Condition(draw(st.sampled_from(ROOTS)), tuple(names), operator, value)


@quickly
@given(conditions(), json_values)
def test_whatever_is_there_a_condition_is_true_false_or_unknown(condition: Condition, value: Any) -> None:
    values: dict[str, Any] = {condition.names[0]: value}
    assert verdict(condition, values) in (True, False, None)
    if condition.operator in PRESENCE:
        assert verdict(condition, values) is not None


@quickly
@given(st.lists(conditions(), max_size=4))
def test_conditions_are_read_as_they_were_stored(several: list[Condition]) -> None:
    assert read(stored(several)) == tuple(several)


@quickly
@given(conditions())
def test_a_condition_is_typed_as_it_is_shown_in_the_form(condition: Condition) -> None:
    assert typed(path_of(condition), condition.operator, value_text(condition)) == condition
    assert path_of(condition) in in_words(condition)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "arguments.city",
        "arguments.city is Paris",
        "arguments.city equals",
        "argument.city equals Paris",
        "arguments equals Paris",
        "arguments. equals Paris",
        "arguments.a..b equals Paris",
        'arguments."a equals Paris',
        "arguments.city exists Paris",
        "arguments.city in",
        "arguments.city in Paris, 1",
        "arguments.city in []",
        "arguments.city in [[1]]",
        "arguments.city equals [1]",
        "arguments.city equals {}",
        'arguments.city equals "Paris',
        f"arguments.city equals {'9' * 1_001}",
        f"arguments.city equals -{'9' * 1_001}",
        "arguments.city equals 18014398509481984.0",
        "arguments.city equals 1e300",
        f"arguments.city equals {'x' * 1_001}",
        "arguments.city equals \ud800",
        "arguments.\ud800 equals Paris",
    ],
)
def test_what_is_no_condition_is_refused_with_a_reason(line: str) -> None:
    with pytest.raises(BadCondition) as refused:
        typed_line(line)
    assert len(str(refused.value)) > 10


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "1",
        "[1]",
        "{}",
        "[{}]",
        '[{"path": "arguments.x", "operator": "exists", "value": null}]',
        '[{"path": "arguments.x", "operator": "equals"}]',
        '[{"path": "arguments.x", "operator": "Equals", "value": 1}]',
        '[{"path": "arguments.x", "operator": ["equals"], "value": 1}]',
        '[{"path": 1, "operator": "equals", "value": 1}]',
        '[{"path": "arguments.x", "operator": "glob", "value": 1}]',
        '[{"path": "arguments.x", "operator": "equals", "value": NaN}]',
        '[{"path": "arguments.x", "operator": "equals", "value": 1, "also": 1}]',
        '[{"path": "arguments.\\"a\\\\q\\"", "operator": "equals", "value": 1}]',
        "[" + ",".join(['{"path": "arguments.x", "operator": "exists"}'] * 51) + "]",
    ],
)
def test_what_is_stored_and_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(BadCondition):
        read(text)
