"""Finds the calls before and after a record's in the same session or of the same client, by a step in an index each."""

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from authz_app.models import LONG_COLUMNS, CallRecord
from authz_app.pages.shared import words


def neighbours(record: CallRecord, **same: Any) -> SafeString:
    """Show the previous call and the next among those with the ``same`` values of these columns."""
    others = CallRecord.objects.filter(**same).defer(*LONG_COLUMNS)
    neighbours = [
        ("Before", others.filter(pk__lt=record.pk).order_by("-pk").first()),
        ("After", others.filter(pk__gt=record.pk).order_by("pk").first()),
    ]
    shown = [{"where": where, **_shown(other)} for where, other in neighbours]
    return render_to_string("admin/authz_app/callrecord/neighbours.html", {"neighbours": shown})


def _shown(other: CallRecord | None) -> dict[str, Any]:
    if other is None:
        return {}
    how = words.outcome_words(other) or words.reason_words(other.reason)
    return {"id": other.pk, "at": words.moment(other.at), "what": words.asked_for(other), "how": how}
