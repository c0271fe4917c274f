"""Logs the crash of a function with its traceback, and without what the call's record does not hold."""

import logging
import traceback
from uuid import UUID

from authz_app.audit.entries import Outcome
from authz_app.redaction.audit_level import AuditLevel
from authz_app.redaction.redact import REDACTED
from tools_app.errors import UnfitResult
from tools_app.invocation.authors_code import says_itself
from tools_app.invocation.record_contents import RecordContents

_MOST_LINKED = 5
_CAUSE = "\nThe above exception was the direct cause of, or was handled before, this one:\n\n"


def log_crash(logger: logging.Logger, error: BaseException, contents: RecordContents, record_id: UUID) -> None:
    """Log a crash once. Where the record may not hold what the exception says, the log does not either.

    Such a traceback goes to ``mcpsite.logs`` as a text, so that no handler is given the exception itself. Never
    raises: one whose text or traceback cannot be had is logged by its type.
    """
    request = contents.request
    what = "%s %s crashed, record %s", request.record_kind.capitalize(), request.name, record_id
    try:
        _log(logger, what, error, contents)
    except BaseException:  # noqa: BLE001  (what an exception tells of itself is its author's code, and may raise anything)
        logger.error(*what, extra={"traceback": f"{type_name(error)}: (cannot be shown)\n"})


def type_name(error: BaseException) -> str:
    """The name of its type, whatever the type's own attributes do."""
    name: str = type.__dict__["__name__"].__get__(type(error))
    return name


def _log(logger: logging.Logger, what: tuple[object, ...], error: BaseException, contents: RecordContents) -> None:
    if contents.recording.level is AuditLevel.METADATA:
        logger.error(*what, extra={"traceback": _without_messages(error)})
    elif contents.masked is None and not says_itself(error):
        logger.error(*what, exc_info=error)
    else:
        # Not in a handler: while its author's code runs there, whoever logs waits.
        formatted = "".join(traceback.format_exception(error))
        shown = formatted if contents.masked is None else contents.masked.sub(REDACTED, formatted)
        logger.error(*what, extra={"traceback": shown})


def log_unfit(logger: logging.Logger, unfit: UnfitResult, contents: RecordContents, record_id: UUID) -> None:
    """Log a result that cannot be sent: its author has to mend that."""
    logger.error("%s Record %s.", unfit_error(unfit, contents), record_id)


def unfit_error(unfit: UnfitResult, contents: RecordContents) -> str:
    """What record and log say of it. Its path has names that may be the caller's."""
    if contents.recording.level is AuditLevel.METADATA:
        return f"The result of {contents.name} cannot be sent."
    return contents.error(str(unfit), Outcome.CRASHED)


def _without_messages(error: BaseException) -> str:
    """The traceback with the type of each exception and without its message, which may repeat the arguments."""
    linked: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in linked and len(linked) < _MOST_LINKED:
        linked.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return _CAUSE.join(_without_message(one) for one in reversed(linked))


def _without_message(error: BaseException) -> str:
    raised = "".join(traceback.format_tb(error.__traceback__))
    return f"Traceback (most recent call last):\n{raised}{type_name(error)}: (not recorded)\n"
