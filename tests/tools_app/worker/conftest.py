"""What the tests of workers share."""

import pytest

from tools_app.streams import watch


@pytest.fixture(autouse=True)
def _unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No watch looks by itself."""
    monkeypatch.setattr(watch, "_WATCH_EVERY", 3_600)
