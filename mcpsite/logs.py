"""Formats log lines: one event is one line, of bounded length, without secrets."""

import logging

from authz_app.redaction.log_lines import escaped, one_line
from authz_app.redaction.redact import redact_text

_MAX_TRACEBACK = 20_000


class RefusedRequestFilter(logging.Filter):
    """Leaves the traceback out where Django refused a request (status below 500): a line is enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = None
        return True


class LineFormatter(logging.Formatter):
    """Takes out what has the shape of a secret, escapes control characters, and cuts what is too long.

    Nothing in a message can forge a line. A traceback keeps its lines, indented to be told from events.
    """

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        # The access log writes many lines at a time, each of them made fit already.
        lines: list[str] | None = getattr(record, "lines", None)
        if lines is not None:
            return "\n".join(lines)
        # A traceback that became text where it happened, because what the exception says is not to be kept.
        traceback: str | None = getattr(record, "traceback", None)
        return super().format(record) + (f"\n{_indented(traceback)}" if traceback else "")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        return _indented(super().formatException(ei))  # type: ignore[arg-type]  # its stub is narrower than what it gets


def _indented(text: str) -> str:
    # The end says what happened, so that is what is kept of a long one; a secret that straddles the cut goes whole.
    traceback = redact_text(text[-2 * _MAX_TRACEBACK :], 2 * _MAX_TRACEBACK)[-_MAX_TRACEBACK:]
    return "\n".join(f"    {escaped(line)}" for line in traceback.splitlines())
