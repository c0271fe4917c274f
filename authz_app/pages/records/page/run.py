"""Shows how an allowed call ran: its outcome, its result, and whether that reached the caller."""

from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from authz_app.models import CallRecord
from authz_app.pages.records.page import values
from authz_app.pages.records.page.fields import Section
from authz_app.pages.shared import words
from authz_app.redaction.log_lines import visible

_WITHOUT_RESULT = ("", CallRecord.Outcome.UNKNOWN, CallRecord.Outcome.CANCELLED, CallRecord.Outcome.NOT_RUN)


def section(request: HttpRequest, record: CallRecord) -> Section | None:
    # What was denied did not run.
    if record.decision == CallRecord.Decision.DENIED:
        return None
    return Section("Run", (outcome, duration, error, size, values.result(request, record), delivery))


@display(description="Outcome")
def outcome(record: CallRecord) -> str | None:
    return words.outcome_words(record) or None


@display(description="Duration")
def duration(record: CallRecord) -> str | None:
    return words.duration_words(record.duration_ms) or None


@display(description="Result size")
def size(record: CallRecord) -> str | None:
    return None if record.result_size is None else filesizeformat(record.result_size)


@display(description="Error")
def error(record: CallRecord) -> SafeString | str | None:
    if missing := words.why_no_error(record):
        return format_html('<span class="quiet">{}</span>', missing)
    return visible(record.error) or None


@display(description="Delivery")
def delivery(record: CallRecord) -> str | None:
    if record.undelivered:
        return "The result did not reach the caller, as far as the worker knows."
    if record.outcome in _WITHOUT_RESULT:
        return None
    return "The result was sent, and nothing is known to have gone wrong with it."
