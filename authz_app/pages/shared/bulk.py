"""Changes many rows by an action of a list, and logs who did it."""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

M = TypeVar("M", bound=Model)


def set_on_rows(request: HttpRequest, queryset: QuerySet[M], field: str, value: Any, word: str) -> list[M]:
    """Set one field where it differs, log each change under ``word``, and return the changed rows.

    Tells the person when there was nothing to change.
    """
    with transaction.atomic():
        changed = list(queryset.exclude(**{field: value}))
        queryset.model._default_manager.filter(pk__in=[row.pk for row in changed]).update(**{field: value})
        LogEntry.objects.log_actions(str(request.user.pk), changed, CHANGE, f"Now {word}.")
    if not changed:
        messages.info(request, f"Nothing changed: already {word}.")
    return changed


def listed(rows: Sequence[object], most: int = 3) -> str:
    """Name the first few, and say how many more there are."""
    names = ", ".join(str(row) for row in rows[:most])
    return f"{names} and {len(rows) - most} more" if len(rows) > most else names
