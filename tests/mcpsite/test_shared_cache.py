"""What stands in Redis of Django's cache."""

import json

import pytest

from mcpsite.shared_cache import JsonSerializer, hashed_key


@pytest.mark.parametrize("value", [None, "text", 1.5, {"a": [1, True]}, 7])
def test_a_value_comes_back(value: object) -> None:
    stored = JsonSerializer().dumps(value)
    assert JsonSerializer().loads(stored if isinstance(stored, bytes) else str(stored).encode()) == value


def test_whole_numbers_stay_numbers_that_redis_can_count_and_truth_values_do_not() -> None:
    assert JsonSerializer().dumps(7) == 7
    assert JsonSerializer().dumps(True) == b"true"


def test_what_is_not_json_is_neither_stored_nor_run() -> None:
    with pytest.raises(TypeError):
        JsonSerializer().dumps(object())
    with pytest.raises(json.JSONDecodeError):
        JsonSerializer().loads(b"cos\nsystem\n(S'true'\ntR.")


def test_a_key_does_not_show_the_code_in_it() -> None:
    key = hashed_key("allauth.idp.oidc.code.s3cret", "mcp-1.cache", 1)
    assert key.startswith("mcp-1.cache:1:") and "s3cret" not in key
    assert key != hashed_key("allauth.idp.oidc.code.other", "mcp-1.cache", 1)
