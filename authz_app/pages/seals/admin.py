"""Shows seals in the admin: the newest first, and each with the result of checking it now."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from authz_app.evidence.health import newest_problems, sealing_health
from authz_app.evidence.keys import AuditKeyError, public_pem, signer
from authz_app.evidence.seal_checks import digest_of, fields_of, first_and_last
from authz_app.models import AuditSeal
from authz_app.pages.seals.problems import check_panels, with_links
from authz_app.pages.shared import words
from authz_app.pages.shared.ids import number_in
from authz_app.pages.shared.read_only import ReadOnlyAdmin

_TEMPLATES = "admin/authz_app/auditseal"
_SHOWN = 3  # Above the list; the seal's page shows more.


class SealChangeList(ChangeList):
    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[AuditSeal]:
        # Up to 24 kB each, which the list shows nothing of.
        return super().get_queryset(request, exclude_parameters).defer("members")

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.state = sealing_health()
        self.problems = with_links(newest_problems(self.state.last)[:_SHOWN]) if self.state.last else []
        self.public_key = _public_key()


class AuditSealAdmin(ReadOnlyAdmin):
    list_display = ("label", "time", "records", "key", "state")
    list_before_template = f"{_TEMPLATES}/state.html"
    ordering = ("-number",)
    # Any true value shows the search box; `get_search_results` does the searching.
    search_fields = ("number",)
    search_help_text = "Number of a seal"
    paginator = InfinitePaginator
    empty_text = "Nothing was sealed yet: the first seal is made shortly after the start."
    fields = (
        "label",
        "time",
        "records",
        "ends",
        "state",
        "key",
        "digest",
        "previous",
        "statement_text",
        "signature_text",
    )
    readonly_fields = fields
    change_form_outer_before_template = f"{_TEMPLATES}/check.html"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: AuditSeal | None = None) -> bool:
        return bool(request.user.has_perm("authz_app.view_callrecord"))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SealChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditSeal], search_term: str
    ) -> tuple[QuerySet[AuditSeal], bool]:
        term = search_term.strip()
        return (queryset.filter(number=number_in(term)) if term else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        seal = self.get_object(request, object_id)
        context = {"checks": check_panels(seal), "title": f"Seal {seal.number}"} if seal else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="Seal")
    def label(self, seal: AuditSeal) -> str:
        return str(seal.number)

    @display(description="Sealed at")
    def time(self, seal: AuditSeal) -> str:
        return words.moment(seal.at)

    @display(description="Records")
    def records(self, seal: AuditSeal) -> str:
        return f"{seal.count:,}"

    @display(description="First and last record")
    def ends(self, seal: AuditSeal) -> SafeString | None:
        ends = first_and_last(seal)
        if ends is None:
            return None
        context = {"first": ends[0], "last": ends[1], "number": seal.number}
        return render_to_string(f"{_TEMPLATES}/records.html", context)

    @display(description="Kept or pruned", label={"Kept": "success", "Pruned": "info", "Empty": ""})
    def state(self, seal: AuditSeal) -> str:
        return "Pruned" if seal.pruned else "Kept" if seal.count else "Empty"

    @display(description="Key")
    def key(self, seal: AuditSeal) -> SafeString:
        fields = fields_of(seal)
        return format_html('<span class="hex">{}</span>', fields.key if fields else "—")

    @display(description="Digest")
    def digest(self, seal: AuditSeal) -> SafeString:
        return format_html('<span class="hex">{}</span>', digest_of(seal))

    @display(description="Digest of the seal before")
    def previous(self, seal: AuditSeal) -> SafeString:
        fields = fields_of(seal)
        return format_html('<span class="hex">{}</span>', fields.previous if fields else "—")

    @display(description="Statement, which is signed")
    def statement_text(self, seal: AuditSeal) -> SafeString:
        return format_html('<pre class="json">{}</pre>', seal.statement)

    @display(description="Signature")
    def signature_text(self, seal: AuditSeal) -> SafeString:
        return format_html('<span class="hex">{}</span>', seal.signature)


def _public_key() -> str:
    """Read the public key in PEM form; empty where this machine has no key. The check of the newest seal says so."""
    try:
        return public_pem(signer().public)
    except AuditKeyError:
        return ""
