"""Text that no database can hold is told, and replaced."""

import pytest

from authz_app.core.storable_text import is_storable, storable


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x\udfff"])
def test_nul_and_half_surrogates_are_not_storable(text: str) -> None:
    assert not is_storable(text)
    assert is_storable(storable(text))
    assert len(storable(text)) == len(text)


@pytest.mark.parametrize("text", ["", "plain", "\U0001f600", "\x1b\u202e\ufffd"])
def test_all_other_text_stays_as_it_is(text: str) -> None:
    assert is_storable(text)
    assert storable(text) == text
