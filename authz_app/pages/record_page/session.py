"""The MCP session that a call came in, and from where."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from authz_app.models import CallRecord
from authz_app.pages.record_page.parts import Part
from authz_app.pages.words import visible


def part(request: HttpRequest, record: CallRecord) -> Part:
    return Part("Where", (session, software, transport, protocol, address, worker))


@display(description="MCP session")
def session(record: CallRecord) -> SafeString | None:
    if not record.mcp_session:
        return None
    return render_to_string("admin/authz_app/callrecord/session.html", {"key": visible(record.mcp_session)})


@display(description="Client software")
def software(record: CallRecord) -> SafeString | None:
    if not record.client_software:
        return None
    return format_html(
        '{} <span class="quiet">unverified: as the software names itself</span>', visible(record.client_software)
    )


@display(description="Transport")
def transport(record: CallRecord) -> str | None:
    return record.transport or None


@display(description="Protocol version")
def protocol(record: CallRecord) -> str | None:
    return visible(record.protocol_version) or None


@display(description="Address")
def address(record: CallRecord) -> str | None:
    return record.address or None


@display(description="Worker")
def worker(record: CallRecord) -> str | None:
    return record.worker or None
