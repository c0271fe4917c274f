"""What was asked for, and with which arguments."""

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from authz_app.models import CallRecord
from authz_app.pages import words
from authz_app.pages.record_page.parts import HIDDEN, Part


def part(request: HttpRequest, record: CallRecord) -> Part:
    return Part("Asked for", (what, recorded if request.user.has_perm("authz_app.view_arguments") else hidden))


@display(description="What")
def what(record: CallRecord) -> str:
    return words.asked_for(record)


@display(description="Arguments")
def recorded(record: CallRecord) -> SafeString:
    if missing := words.why_no_arguments(record):
        return format_html('<span class="quiet">{}</span>', missing)
    return format_html('<pre class="json">{}</pre>', words.pretty_json(record.arguments))


@display(description="Arguments")
def hidden(record: CallRecord) -> SafeString:
    return format_html('<span class="quiet">{}</span>', HIDDEN)
