"""Tell the log of a function that crashed: with its traceback, and without what its record does not hold."""

import logging
import re
import traceback

from authz_app.redaction.audit_level import Level
from authz_app.redaction.redact import REDACTED
from tools_app.call import Call
from tools_app.invocation.access_request import Asked
from tools_app.invocation.masking import hidden_among

_MOST_LINKED = 5
_CAUSE = "\nThe above exception was the direct cause of, or was handled before, this one:\n\n"


def log_crash(logger: logging.Logger, error: BaseException, asked: Asked, call: Call) -> None:
    """Log a crash once. Where the record may not hold what the exception says, the log does not either.

    Such a traceback goes to ``mcpsite.logs`` as a text, so that no handler is given the exception itself.
    """
    what = "%s %s crashed, record %s", asked.record_kind.capitalize(), asked.name, call.record_id
    if call.recording.level is Level.METADATA:
        logger.error(*what, extra={"traceback": _without_messages(error)})
        return
    hidden = hidden_among(asked, call.recording)
    if hidden is None:
        logger.error(*what, exc_info=error)
    else:
        logger.error(*what, extra={"traceback": _masked(error, hidden)})


def _masked(error: BaseException, hidden: re.Pattern[str]) -> str:
    return hidden.sub(REDACTED, "".join(traceback.format_exception(error)))


def _without_messages(error: BaseException) -> str:
    """Where each exception was raised, and its type: what they say may be of the arguments."""
    linked: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in linked and len(linked) < _MOST_LINKED:
        linked.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return _CAUSE.join(_without_message(one) for one in reversed(linked))


def _without_message(error: BaseException) -> str:
    raised = "".join(traceback.format_tb(error.__traceback__))
    return f"Traceback (most recent call last):\n{raised}{type(error).__name__}: (not recorded)\n"
