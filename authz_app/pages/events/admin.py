"""Shows events in the admin, newest first: each as a sentence, with links to what it is about. Nobody changes them."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from authz_app.evidence.canonical import EVENTS
from authz_app.export.event_search import QUALIFIERS, session_or_actor
from authz_app.models import AuditEvent, Client
from authz_app.pages.events.words import KINDS, details_of, kind_words, sentence, who
from authz_app.pages.records.export import ExportMixin
from authz_app.pages.shared import words
from authz_app.pages.shared.filters import ChoiceFilter, Choices, ClientFilter, SealFilter, SessionFilter, TimeFilter
from authz_app.pages.shared.proofs import proof_of
from authz_app.pages.shared.read_only import ReadOnlyAdmin
from authz_app.record_search.paging import left_by
from authz_app.redaction.log_lines import visible

_TEMPLATES = "admin/authz_app/auditevent"
_COLOURS = {
    "Tokens refused": "warning",
    "Requests refused": "warning",
    "Outage": "danger",
    "Events lost": "danger",
    "Export": "info",
    "Pruning": "info",
    "Key change": "info",
    "Look": "info",
}


class EventKindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"
    qualifiers = QUALIFIERS

    def known(self) -> Choices:
        return [(str(kind), words) for kind, words in KINDS.items()]


class AuditEventAdmin(ExportMixin, ReadOnlyAdmin):
    export_permissions = ("authz_app.view_auditevent", "authz_app.view_arguments")
    list_display = ("time", "kind_label", "who", "what")
    list_filter = (EventKindFilter, ClientFilter, TimeFilter, SessionFilter, SealFilter)
    list_filter_submit = True
    list_before_template = f"{_TEMPLATES}/before.html"
    ordering = ("-id",)
    # Any true value shows the search box; `get_search_results` does the searching.
    search_fields = ("actor",)
    search_help_text = "Who did it, exactly; or an MCP session"
    paginator = InfinitePaginator
    empty_text = "No events yet: sessions, refused tokens, exports and the like will stand here."
    empty_value_display = "—"
    readonly_fields = (
        "time",
        "kind_label",
        "what",
        "actor_name",
        "client",
        "whose",
        "session",
        "record",
        "where",
        "worker",
        "in_full",
        "sealed",
    )

    def get_fields(self, request: HttpRequest, obj: AuditEvent | None = None) -> list[str]:
        """Leave out the fields that are empty for this event."""
        always = {"time", "kind_label", "what", "in_full", "sealed"}
        return [name for name in self.readonly_fields if name in always or (obj and getattr(self, name)(obj))]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        return left_by(queryset, [session_or_actor(term)]), False

    @display(description="Time")
    def time(self, event: AuditEvent) -> str:
        return words.moment(event.at)

    @display(description="Kind", label=_COLOURS)
    def kind_label(self, event: AuditEvent) -> str:
        return kind_words(event.kind)

    @display(description="Who", empty_value="—")
    def who(self, event: AuditEvent) -> str | None:
        return who(event) or None

    @display(description="What happened")
    def what(self, event: AuditEvent) -> str:
        return sentence(event)

    @display(description="Done by")
    def actor_name(self, event: AuditEvent) -> str | None:
        return visible(event.actor) or None

    @display(description="Client")
    def client(self, event: AuditEvent) -> SafeString | None:
        found = _client_of(event)
        if found is None and not event.client_id:
            return None
        name = visible(event.client_name or event.subject)
        context = {"client": found, "name": name, "client_id": found.pk if found else event.client_id}
        return render_to_string(f"{_TEMPLATES}/client.html", context)

    @display(description="Subject")
    def whose(self, event: AuditEvent) -> SafeString | None:
        if not event.subject:
            return None
        application = f" by way of {visible(event.oauth_client_id)}" if event.oauth_client_id else ""
        issuer = visible(event.issuer)
        return format_html('{} <span class="quiet">of {}{}</span>', visible(event.subject), issuer, application)

    @display(description="MCP session")
    def session(self, event: AuditEvent) -> SafeString | None:
        if not event.mcp_session:
            return None
        return render_to_string(f"{_TEMPLATES}/session.html", {"key": visible(event.mcp_session)})

    @display(description="Record")
    def record(self, event: AuditEvent) -> SafeString | None:
        record = str(details_of(event).get("record", ""))
        return render_to_string(f"{_TEMPLATES}/record.html", {"record": record}) if record else None

    @display(description="Address")
    def where(self, event: AuditEvent) -> str | None:
        return event.address or None

    @display(description="Worker")
    def worker(self, event: AuditEvent) -> str | None:
        return event.worker or None

    @display(description="In full")
    def in_full(self, event: AuditEvent) -> SafeString:
        return format_html('<pre class="json">{}</pre>', words.pretty_json(event.details))

    @display(description="As it was written")
    def sealed(self, event: AuditEvent) -> SafeString:
        return proof_of(EVENTS, event.pk)


def _client_of(event: AuditEvent) -> Client | None:
    if event.client_id:
        return Client.objects.filter(pk=event.client_id).first()
    if event.subject:
        return Client.objects.filter(issuer=event.issuer, subject=event.subject).first()
    return None
