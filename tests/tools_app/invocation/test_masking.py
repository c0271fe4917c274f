"""The values that are taken out of a call's arguments are found wherever they come up again."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tools_app.invocation.masking import masked_values

VALUE = 'DE 77"77\\é'


def masked(text: str, arguments: dict[str, Any], *paths: tuple[str, ...]) -> str:
    pattern = masked_values(arguments, paths)
    return text if pattern is None else pattern.sub("*", text)


@pytest.mark.parametrize("spelled", [VALUE, json.dumps(VALUE, ensure_ascii=False)[1:-1], quote(VALUE, safe="")])
def test_a_value_is_found_in_each_way_that_it_may_be_spelled(spelled: str) -> None:
    assert masked(f"no route to {spelled}.", {"iban": VALUE}, ("iban",)) == "no route to *."


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"to": {"iban": "DE777777"}}, ("to", "iban")),
        ({"to": [{"iban": "DE777777"}]}, ("to", "*", "iban")),
        ({"to": [{"iban": "DE777777"}]}, ("to", "iban")),
        ({"to": {"iban": ["DE777777"]}}, ("to",)),
        ({"password": "DE777777"}, ("elsewhere",)),
        ({"to": {"password": {"of": "DE777777"}}}, ("elsewhere",)),
    ],
)
def test_what_a_path_or_the_name_of_a_secret_leads_to_is_found(
    arguments: dict[str, Any], path: tuple[str, ...]
) -> None:
    assert masked("xDE777777x", arguments, path) == "x*x"


def test_a_short_value_is_found_only_where_it_stands_by_itself() -> None:
    assert masked("7777 and 177771", {"pin": 7777}, ("pin",)) == "* and 177771"


@pytest.mark.parametrize("arguments", [{}, {"pin": "777"}, {"pin": None}, {"pin": True}, {"other": "DE777777"}])
def test_where_nothing_is_taken_out_there_is_nothing_to_find(arguments: dict[str, Any]) -> None:
    assert masked_values(arguments, [("pin",)]) is None


def test_the_longest_of_several_values_is_found_first() -> None:
    assert masked("DE7777777788", {"a": "DE77777777", "b": "DE7777777788"}, ("*",)) == "*"
