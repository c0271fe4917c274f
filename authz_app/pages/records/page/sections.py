"""The page of a call record: its parts, in the order in which things happened."""

from django.http import HttpRequest
from unfold.decorators import display

from authz_app.models import CallRecord
from authz_app.pages.records.page import caller as who
from authz_app.pages.records.page import decision, proof, run, session
from authz_app.pages.records.page import request as asked
from authz_app.pages.records.page.parts import Part, Teller
from authz_app.pages.shared import words
from authz_app.pages.shared.words import visible

_LOST = " The result did not reach the caller, as far as the worker knows."


def parts(request: HttpRequest, record: CallRecord) -> list[Part]:
    """Those that have something to tell of this record to this person."""
    told = [tell(request, record) for tell in _STORY]
    return [part for part in told if part is not None]


def _head(request: HttpRequest, record: CallRecord) -> Part:
    return Part("", (in_short, record_id, time))


_STORY: tuple[Teller, ...] = (_head, who.part, session.part, asked.part, decision.part, run.part, proof.part)


@display(description="In short")
def in_short(record: CallRecord) -> str:
    caller = visible(record.client_name or record.subject)
    if record.decision == CallRecord.Decision.DENIED:
        return f"{caller} {words.wanted(record)} and was refused. {words.reason_sentence(record)}"
    outcome = words.outcome_alone(record)
    after = f" after {words.duration_words(record.duration_ms)}" if record.duration_ms is not None else ""
    lost = _LOST if record.undelivered else ""
    return f"{caller} {words.done(record)}, which was allowed. Outcome: {outcome}{after}.{lost}"


@display(description="Record id")
def record_id(record: CallRecord) -> str:
    return str(record.pk)


@display(description="Time")
def time(record: CallRecord) -> str:
    return words.moment(record.at)
