"""Tell which text a database can hold. Pure."""

import re

# PostgreSQL stores no NUL in text, and UTF-8 has no half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    return _UNSTORABLE.search(text) is None


def storable(text: str) -> str:
    """The text, with U+FFFD in the place of each character that cannot be stored."""
    return _UNSTORABLE.sub("\ufffd", text)
