"""How a log line is written: one event, one line, of bounded length, without secrets."""

import logging

from authz_app.audit.redaction import redact_text

_MAX_MESSAGE = 2_000
_MAX_TRACEBACK = 20_000
_CONTROL = {code: f"\\x{code:02x}" for code in [*range(32), 127, *range(128, 160)]} | {
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


class LineFormatter(logging.Formatter):
    """Takes out what has the shape of a secret, escapes control characters, and cuts what is too long.

    Nothing in a message can forge a line. A traceback keeps its lines, indented to be told from events.
    """

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = redact_text(record.message, _MAX_MESSAGE).translate(_CONTROL)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        text = super().formatException(ei)  # type: ignore[arg-type]  # logging's own stub is narrower than what it passes
        # The end says what happened, so that is what is kept of a long one.
        traceback = redact_text(text[-_MAX_TRACEBACK:], _MAX_TRACEBACK)
        return "\n".join(f"    {line.translate(_CONTROL)}" for line in traceback.splitlines())
