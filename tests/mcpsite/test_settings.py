"""Each setting has its row in docs/settings.md, with its default."""

import re

from mcpsite import settings
from tests.site import ROOT

GUIDE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([A-Z_0-9]+)` \|([^|]*)\|", GUIDE, re.MULTILINE))
# Their defaults are told in words, for they follow from other settings.
IN_WORDS = {"PUBLIC_URL", "DATABASE_URL", "LOCAL_ISSUER"}


def test_every_setting_is_in_the_guide_and_nothing_else_is() -> None:
    assert set(ROWS) == set(settings.ENV.scheme)


def test_the_guide_tells_the_defaults() -> None:
    told = {name: ROWS[name].strip().strip("`") for name in ROWS if name not in IN_WORDS}
    assert told == {name: _written(settings.ENV.scheme[name][1]) for name in told}


def _written(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default in ("", []) else str(default)
