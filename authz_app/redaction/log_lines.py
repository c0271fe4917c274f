"""Makes text fit for a line of a log, or for a page. Pure."""

from authz_app.redaction.redact import redact_text

_MAX_LINE = 2_000
_CONTROL = {code: f"\\x{code:02x}" for code in [*range(32), 127, *range(128, 160)]} | {
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def escaped(text: str) -> str:
    """The text with control characters escaped, so that nothing in it can forge a line."""
    return text.translate(_CONTROL)


def one_line(text: str) -> str:
    """The text without what has the shape of a secret, escaped, and cut to what a line can bear."""
    return escaped(redact_text(text, _MAX_LINE))


def visible(text: str) -> str:
    """Text that a stranger sent, with what cannot be seen (control and direction characters) spelled out."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)
