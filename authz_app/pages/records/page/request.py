"""Shows what was asked for, and with which arguments."""

from django.http import HttpRequest
from unfold.decorators import display

from authz_app.models import CallRecord
from authz_app.pages.records.page import values
from authz_app.pages.records.page.fields import Section
from authz_app.pages.shared import words


def section(request: HttpRequest, record: CallRecord) -> Section:
    return Section("Asked for", (what, values.arguments(request, record)))


@display(description="What")
def what(record: CallRecord) -> str:
    return words.asked_for(record)
