"""Shows what proves that the record is as it was written."""

from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from authz_app.evidence.canonical import CALLS
from authz_app.models import CallRecord
from authz_app.pages.records.page.fields import Section
from authz_app.pages.shared.proofs import proof_of


def section(request: HttpRequest, record: CallRecord) -> Section:
    return Section("Proof", (proof,))


@display(description="As it was written")
def proof(record: CallRecord) -> SafeString:
    return proof_of(CALLS, record.pk)
