"""JSON of this site: as orjson writes and reads it, but integers of any size that is taken are exact."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from authz_app import json_text

LARGEST = 10**1_000 - 1
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(values)
def test_what_is_written_is_read_back_the_same(value: Any) -> None:
    written = json_text.dumps(value)
    assert json_text.loads(written) == json_text.loads(written.decode()) == json.loads(written) == value


@settings(deadline=None, max_examples=300)
@given(values)
def test_what_orjson_can_write_is_written_as_orjson_writes_it(value: Any) -> None:
    option = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2
    try:
        expected = orjson.dumps(value, option=option)
    except TypeError:
        expected = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False).encode()
        assert json.loads(json_text.dumps(value, option=option)) == json.loads(expected)
    else:
        assert json_text.dumps(value, option=option) == expected


def test_the_rest_is_written_alike_beside_a_large_integer() -> None:
    assert (
        json_text.dumps([2**64, 1e16, float("nan"), (1, {"a": None})])
        == b'[18446744073709551616,1e+16,null,[1,{"a":null}]]'
    )


@pytest.mark.parametrize("value", [LARGEST + 1, -LARGEST - 1, [{"a": 10**5_000}], object(), {1: 2}])
def test_what_is_no_json_is_not_written(value: Any) -> None:
    with pytest.raises(TypeError):
        json_text.dumps(value)


@pytest.mark.parametrize(
    "text", ["1" * 1_001, "-" + "1" * 1_001, "[" + "1" * 5_000 + "]", "NaN", "1e999", "[1,]", "[" * 1_000 + "1" * 20]
)
def test_what_is_no_json_is_not_read(text: str) -> None:
    for written in (text, text.encode()):
        with pytest.raises(ValueError):  # noqa: PT011  (whichever it is)
            json_text.loads(written)


def test_an_integer_is_read_as_it_stands() -> None:
    assert json_text.integer("-" + "9" * 1_000) == -LARGEST
    assert json_text.loads("9223372036854775808") == 2**63
