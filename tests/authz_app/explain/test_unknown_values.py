"""What a record does not keep is unknown, and what it keeps is as it was."""

import orjson
import pytest

from authz_app.explain.unknown_values import UNKNOWN, is_unknown, recorded
from authz_app.policy.condition_syntax import typed_line
from authz_app.policy.conditions import found_at, verdict
from authz_app.redaction.redact import recorded_json

SENT = {
    "city": "Paris",
    "token": "abc",
    "note": "see Bearer abcdefghijklmnop",
    "long": "x" * 2_000,
    "list": ["a", "Bearer abcdefghijklmnop"],
    "many": {f"n{number}": number for number in range(200)},
    "deep": {"inner": {"pin": "1234", "city": "Rome"}},
    "nul": "a\x00b",
}
KEPT = recorded(recorded_json(SENT))


def test_a_record_of_plain_arguments_is_read_as_they_were() -> None:
    plain = {"city": "Paris", "amount": 5, "tags": ["a", None], "options": {"force": True}}
    assert recorded(recorded_json(plain)) == plain


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ("arguments.city equals Paris", True),
        ("arguments.city equals Rome", False),
        ("arguments.deep.inner.city equals Rome", True),
        ("arguments.token equals abc", None),
        ("arguments.token exists", True),
        ("arguments.token absent", False),
        ("arguments.note glob *", None),
        ("arguments.long glob x*", None),
        ("arguments.nul glob a*", None),
        ("arguments.list contains a", True),
        ("arguments.list contains b", None),
        ("arguments.deep.inner.pin equals 1", None),
        ("arguments.many exists", True),
    ],
)
def test_a_condition_on_what_is_not_kept_is_unknown(condition: str, outcome: bool | None) -> None:
    assert verdict(typed_line(condition), KEPT) is outcome


@pytest.mark.parametrize("path", ["many.n1", "many.other", "token.inner", "long.a.b"])
def test_whether_there_is_something_within_what_is_not_kept_is_unknown(path: str) -> None:
    assert is_unknown(path.split("."), KEPT)


@pytest.mark.parametrize("path", ["city", "other", "token", "deep.inner.pin", "deep.other", "city.inner"])
def test_whether_there_is_something_elsewhere_is_known(path: str) -> None:
    assert not is_unknown(path.split("."), KEPT)


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", recorded_json({f"n{n}": "x" * 900 for n in range(90)})])
def test_of_a_record_that_keeps_nothing_everything_is_unknown(text: str) -> None:
    kept = recorded(text)
    assert kept is UNKNOWN
    assert is_unknown(["anything"], kept)
    assert found_at(["anything", "within"], kept) is not None


def test_what_is_withheld_is_not_written_out_as_an_empty_object() -> None:
    with pytest.raises(TypeError):
        orjson.dumps(KEPT, option=orjson.OPT_PASSTHROUGH_SUBCLASS)
