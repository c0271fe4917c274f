"""Shows who called: what the access token said, and the client that it belongs to."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.decorators import display

from authz_app.models import CallRecord, Client
from authz_app.pages.records.page import values
from authz_app.pages.records.page.fields import Section
from authz_app.pages.records.page.neighbours import neighbours
from authz_app.redaction.log_lines import visible


def section(request: HttpRequest, record: CallRecord) -> Section:
    claims_too = (values.claims(request, record),) if record.claims else ()
    return Section("Token", (client, subject, issuer, oauth_client, scopes, *claims_too, client_calls))


@display(description="Client")
def client(record: CallRecord) -> SafeString:
    exists = Client.objects.filter(pk=record.client_id).exists()
    name = visible(record.client_name or record.subject)
    return render_to_string(
        "admin/authz_app/callrecord/client.html", {"name": name, "id": record.client_id, "exists": exists}
    )


@display(description="Calls of this client")
def client_calls(record: CallRecord) -> SafeString:
    return neighbours(record, client_id=record.client_id)


@display(description="Subject")
def subject(record: CallRecord) -> str:
    return visible(record.subject)


@display(description="Issuer")
def issuer(record: CallRecord) -> str:
    return visible(record.issuer)


@display(description="OAuth client ID")
def oauth_client(record: CallRecord) -> str | None:
    return visible(record.oauth_client_id) or None


@display(description="Token scopes")
def scopes(record: CallRecord) -> str | None:
    return visible(record.token_scopes) or None
