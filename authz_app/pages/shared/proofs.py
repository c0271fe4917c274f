"""Proves that a call record or an event is as it was written, when its page is opened."""

from datetime import timedelta
from uuid import UUID

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from authz_app.conf import conf
from authz_app.evidence.canonical import SealedTable
from authz_app.evidence.keys import AuditKeyError
from authz_app.evidence.record_proof import Proof, prove
from authz_app.pages.shared import words


def proof_of(sealed: SealedTable, record_id: UUID) -> SafeString:
    """Render which seal is over it and that it is as it was then, or what is wrong, or why there is no seal yet."""
    try:
        found = prove(sealed, record_id, timedelta(seconds=conf().audit_seal_seconds))
    except AuditKeyError as error:
        found = Proof(waits=f"This cannot be checked here. {error}")
    at = words.moment(found.seal.at if found.seal else None)
    return render_to_string("admin/proof.html", {"proof": found, "at": at})
