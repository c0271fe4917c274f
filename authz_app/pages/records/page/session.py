"""Shows the MCP session that a call came in: when it was opened and from where, and its other calls."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from authz_app.audit.events import EventKind
from authz_app.models import AuditEvent, CallRecord
from authz_app.pages.records.page.fields import Section
from authz_app.pages.records.page.neighbours import neighbours
from authz_app.pages.shared import words
from authz_app.record_search.parser import Query, Term, written
from authz_app.redaction.log_lines import visible

_COUNTED = 1_000
_NO_SESSION = "None: the request came without one."


def section(request: HttpRequest, record: CallRecord) -> Section:
    where = (address, software, transport, protocol, worker)
    if not record.mcp_session:
        return Section("Session", (no_session, *where))
    return Section("Session", (session, opened, calls_before, session_calls, *where))


@display(description="MCP session")
def session(record: CallRecord) -> SafeString:
    return render_to_string("admin/authz_app/callrecord/session.html", {"key": visible(record.mcp_session)})


@display(description="MCP session")
def no_session(record: CallRecord) -> str:
    return _NO_SESSION


@display(description="Opened")
def opened(record: CallRecord) -> SafeString | str:
    openings = AuditEvent.objects.filter(mcp_session=record.mcp_session, kind=EventKind.SESSION_OPENED).order_by("pk")
    if (event := openings.first()) is not None:
        return format_html("{} from {}", words.moment(event.at), event.address or "an address that is not known")
    first = CallRecord.objects.filter(mcp_session=record.mcp_session).order_by("pk").values_list("at", flat=True)
    return format_html("Not recorded; no later than {}, when its first call came", words.moment(first[0]))


@display(description="Calls before this one")
def calls_before(record: CallRecord) -> SafeString | str:
    earlier = CallRecord.objects.filter(mcp_session=record.mcp_session, pk__lt=record.pk)
    count = earlier.order_by()[: _COUNTED + 1].count()
    if not count:
        return "None: this is its first."
    number = f"{count:,}" if count <= _COUNTED else f"more than {_COUNTED:,}"
    context = {"number": number, "key": record.mcp_session, "before": record.pk}
    return render_to_string("admin/authz_app/callrecord/earlier.html", context)


@display(description="Calls of this session")
def session_calls(record: CallRecord) -> SafeString:
    return neighbours(record, mcp_session=record.mcp_session)


@display(description="Client software")
def software(record: CallRecord) -> SafeString | None:
    if not record.client_software:
        return None
    return format_html(
        '{} <span class="quiet">unverified: as the software names itself</span>', visible(record.client_software)
    )


@display(description="Transport")
def transport(record: CallRecord) -> str | None:
    return words.TRANSPORTS.get(record.transport, record.transport) or None


@display(description="Protocol version")
def protocol(record: CallRecord) -> str | None:
    return visible(record.protocol_version) or None


@display(description="Address")
def address(record: CallRecord) -> SafeString | None:
    if not record.address:
        return None
    search = written(Query(terms=(Term("address", (record.address,)),)))
    return render_to_string("admin/authz_app/callrecord/address.html", {"address": record.address, "search": search})


@display(description="Worker")
def worker(record: CallRecord) -> str | None:
    return record.worker or None
