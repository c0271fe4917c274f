"""Puts the sections of a call record's page together, in the order in which things happened."""

from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from authz_app.evidence.canonical import CALLS
from authz_app.models import CallRecord
from authz_app.pages.records.page import caller, decision, run, session, values
from authz_app.pages.records.page.fields import Section, SectionOf
from authz_app.pages.shared import words
from authz_app.pages.shared.proofs import proof_of
from authz_app.redaction.log_lines import visible

_LOST = " The result did not reach the caller, as far as the worker knows."


def sections(request: HttpRequest, record: CallRecord) -> list[Section]:
    """List the sections that have something to say about this record to this person."""
    found = [section_of(request, record) for section_of in _SECTIONS]
    return [section for section in found if section is not None]


def _head(request: HttpRequest, record: CallRecord) -> Section:
    return Section("", (in_short, record_id, time))


def _request(request: HttpRequest, record: CallRecord) -> Section:
    return Section("Asked for", (what, values.arguments(request, record)))


def _proof(request: HttpRequest, record: CallRecord) -> Section:
    return Section("Proof", (proof,))


_SECTIONS: tuple[SectionOf, ...] = (
    _head,
    caller.section,
    session.section,
    _request,
    decision.section,
    run.section,
    _proof,
)


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


@display(description="What")
def what(record: CallRecord) -> str:
    return words.asked_for(record)


@display(description="As it was written")
def proof(record: CallRecord) -> SafeString:
    return proof_of(CALLS, record.pk)
