"""Shows call records in the admin, newest first and fast however many there are. Nobody changes them."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.views import ChangeList

from authz_app.models import CallRecord
from authz_app.pages.records import filters as record_filters
from authz_app.pages.records.changelist import RecordChangeList
from authz_app.pages.records.export import ExportMixin
from authz_app.pages.records.page import sections
from authz_app.pages.records.page.decision import COLOURS
from authz_app.pages.records.page.fields import Field, once
from authz_app.pages.shared import words
from authz_app.pages.shared.filters import ClientFilter, SealFilter, SessionFilter, TimeFilter
from authz_app.pages.shared.read_only import ReadOnlyAdmin
from authz_app.redaction.log_lines import visible


class CallRecordAdmin(ExportMixin, ReadOnlyAdmin):
    list_display = (
        "time",
        "client_label",
        "tool_name",
        "decision_label",
        "reason_label",
        "outcome_label",
        "duration",
    )
    list_filter = (
        ClientFilter,
        record_filters.KindFilter,
        record_filters.NameFilter,
        record_filters.DecisionFilter,
        record_filters.ReasonFilter,
        record_filters.OutcomeFilter,
        TimeFilter,
        SessionFilter,
        SealFilter,
    )
    list_filter_submit = True
    ordering = ("-id",)
    # Any true value shows the search box; the list does the searching.
    search_fields = ("id",)
    search_help_text = "client:report tool:weather_* decision:denied since:2d"
    list_before_template = "admin/authz_app/callrecord/found.html"
    empty_text = "No calls yet: whatever clients ask for, allowed or denied, will stand here."
    empty_value_display = "—"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RecordChangeList

    def get_fieldsets(self, request: HttpRequest, obj: CallRecord | None = None) -> Any:
        shown = [] if obj is None else sections.sections(request, obj)
        return [(section.title or None, {"fields": tuple(map(once, section.fields))}) for section in shown]

    def get_readonly_fields(self, request: HttpRequest, obj: CallRecord | None = None) -> list[Field]:
        return [field for _, options in self.get_fieldsets(request, obj) for field in options["fields"]]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CallRecord], search_term: str
    ) -> tuple[QuerySet[CallRecord], bool]:
        """Leave the rows as they are: `RecordChangeList` does the searching."""
        return queryset, False

    @display(description="Time")
    def time(self, record: CallRecord) -> str:
        return words.moment(record.at)

    @display(description="Client")
    def client_label(self, record: CallRecord) -> str:
        return visible(record.client_name or record.subject)

    @display(description="Asked for")
    def tool_name(self, record: CallRecord) -> str:
        return words.asked_for(record)

    @display(description="Decision", label=COLOURS)
    def decision_label(self, record: CallRecord) -> tuple[str, str]:
        return record.decision, record.get_decision_display()

    @display(description="Reason")
    def reason_label(self, record: CallRecord) -> str:
        return words.reason_words(record.reason)

    @display(description="Outcome", empty_value="—")
    def outcome_label(self, record: CallRecord) -> str | None:
        return words.outcome_words(record) or None

    @display(description="Duration", empty_value="—")
    def duration(self, record: CallRecord) -> str | None:
        return words.duration_words(record.duration_ms) or None
