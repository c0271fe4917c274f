"""What proves that the record is as it was written, checked as the page is opened."""

from datetime import timedelta

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.decorators import display

from authz_app.conf import conf
from authz_app.evidence.keys import AuditKeyError
from authz_app.evidence.proof import Proof, prove
from authz_app.evidence.rows import CALLS
from authz_app.models import CallRecord
from authz_app.pages import words
from authz_app.pages.record_page.parts import Part


def part(request: HttpRequest, record: CallRecord) -> Part:
    return Part("Proof", (proof,))


@display(description="As it was written")
def proof(record: CallRecord) -> SafeString:
    try:
        found = prove(CALLS, record.pk, timedelta(seconds=conf().audit_seal_seconds))
    except AuditKeyError as error:
        found = Proof(waits=f"This cannot be checked here. {error}")
    return render_to_string(
        "admin/authz_app/callrecord/proof.html",
        {"proof": found, "at": words.moment(found.seal.at if found.seal else None)},
    )
