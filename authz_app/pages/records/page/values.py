"""Shows the arguments, claims and results that a record holds: openly, behind a button, or not at all."""

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from authz_app.models import CallRecord
from authz_app.pages.records import reveals
from authz_app.pages.records.page.fields import Field
from authz_app.pages.shared import words

_HIDDEN = "Hidden: shown to those who have the permission “Can view recorded arguments”."
_WITH_ARGUMENTS = "Shown together with the arguments."


def arguments(request: HttpRequest, record: CallRecord) -> Field:
    """Choose the field for the arguments. It has the button that reveals all values, where there are any."""
    if not (record.result or record.claims) and words.why_no_arguments(record):
        return no_arguments
    return _one_of(request, record, (arguments_shown, arguments_behind, arguments_hidden))


def claims(request: HttpRequest, record: CallRecord) -> Field:
    return _one_of(request, record, (claims_shown, claims_behind, claims_hidden))


def result(request: HttpRequest, record: CallRecord) -> Field:
    if not record.result:
        return no_result
    return _one_of(request, record, (result_shown, result_behind, result_hidden))


def _one_of(request: HttpRequest, record: CallRecord, fields: tuple[Field, Field, Field]) -> Field:
    shown, behind, hidden = fields
    if not reveals.may_reveal(request):
        return hidden
    return shown if reveals.is_revealed(request, record) else behind


def _quiet(text: str) -> SafeString:
    return format_html('<span class="quiet">{}</span>', text)


def _json(text: str) -> SafeString:
    return format_html('<pre class="json">{}</pre>', words.pretty_json(text))


@display(description="Arguments")
def arguments_shown(record: CallRecord) -> SafeString:
    missing = words.why_no_arguments(record)
    return _quiet(missing) if missing else _json(record.arguments)


@display(description="Arguments")
def arguments_behind(record: CallRecord) -> SafeString:
    return reveals.reveal_button(record, "record", words.why_no_arguments(record))


@display(description="Arguments")
def arguments_hidden(record: CallRecord) -> SafeString:
    return _quiet(words.why_no_arguments(record) or _HIDDEN)


@display(description="Arguments")
def no_arguments(record: CallRecord) -> SafeString:
    return _quiet(words.why_no_arguments(record))


@display(description="Claims that rules ask for")
def claims_shown(record: CallRecord) -> SafeString:
    return _json(record.claims)


@display(description="Claims that rules ask for")
def claims_behind(record: CallRecord) -> SafeString:
    return _quiet(_WITH_ARGUMENTS)


@display(description="Claims that rules ask for")
def claims_hidden(record: CallRecord) -> SafeString:
    return _quiet(_HIDDEN)


@display(description="Result")
def result_shown(record: CallRecord) -> SafeString:
    return _json(record.result)


@display(description="Result")
def result_behind(record: CallRecord) -> SafeString:
    return _quiet(_WITH_ARGUMENTS)


@display(description="Result")
def result_hidden(record: CallRecord) -> SafeString:
    return _quiet(_HIDDEN)


@display(description="Result")
def no_result(record: CallRecord) -> SafeString:
    return _quiet(words.why_no_result(record))
