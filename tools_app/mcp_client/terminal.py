"""Makes text from elsewhere safe for a terminal."""

# Tab and newline stay; what else could move the cursor, recolour or answer for the user is shown as its code.
_CONTROL = {code: f"\\x{code:02x}" for code in [*range(9), *range(11, 32), 127, *range(128, 160)]}


def safe(text: str) -> str:
    """``text`` without characters that a terminal would obey."""
    return text.translate(_CONTROL)


def one_line(text: str, limit: int = 300) -> str:
    """``text`` on one line and not much longer than ``limit``."""
    line = safe(" ".join(text.split()))
    return line if len(line) <= limit else f"{line[:limit]}..."
