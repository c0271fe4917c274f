"""Call records in words."""

from authz_app.pages.shared import words
from authz_app.policy.decision import Reason


def test_every_reason_has_words() -> None:
    assert {value for value, _ in words.reason_choices()} == set(Reason)
