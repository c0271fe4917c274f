"""Checks ids that a browser sends: only those that a row could have are looked up. Django's admin breaks on others."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AutocompleteMixin, AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase

_MOST_DIGITS = 18  # All such numbers fit into the database's integers.


def number_in(text: str) -> int:
    """Read a row's id out of a URL; 0 where there is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0


def uuid_in(text: str) -> UUID | None:
    """Read a record's id out of a URL; None where there is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def fit_ids(model: type[Model], sent: Iterable[Any]) -> list[str]:
    """Keep those that could be the id of a row."""
    return [text for text in map(str, sent) if _is_fit(model, text)]


def _is_fit(model: type[Model], text: str) -> bool:
    key = model._meta.pk
    try:
        key.run_validators(key.to_python(text))
    except ValidationError:
        return False
    return True


class OnlyFitIds:
    """Keeps a ``ModelAdmin`` from looking up ids that no row could have, in its actions and its list."""

    model: type[Model]

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        posted = request.POST.copy()
        posted.setlist(ACTION_CHECKBOX_NAME, fit_ids(self.model, posted.getlist(ACTION_CHECKBOX_NAME)))
        request.POST = posted  # type: ignore[assignment]  # A copy can be changed, the request's own cannot.
        return super().response_action(request, queryset)  # type: ignore[misc]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        sent = value if isinstance(value, list | tuple) else str(value).split(",")
        if lookup in ("id__in", "pk__in") and len(fit_ids(self.model, sent)) < len(sent):
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[misc]


class _ShowsFitIds(AutocompleteMixin):
    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> Any:
        return super().optgroups(name, fit_ids(self.choices.queryset.model, value), attr)


class ChooseOne(_ShowsFitIds, AutocompleteSelect):
    """Django's, whatever comes back with the form."""


class ChooseSeveral(_ShowsFitIds, AutocompleteSelectMultiple):
    """Django's, whatever comes back with the form."""


class SeveralField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # Not generic when it runs.
    """Refuses ids that the database cannot hold like any other invalid choice."""

    def clean(self, value: Any) -> QuerySet[Any]:
        sent = value if isinstance(value, list | tuple) else []
        for one in sent:
            if self.queryset is not None and not _is_fit(self.queryset.model, str(one)):
                raise ValidationError(self.error_messages["invalid_pk_value"], "invalid_pk_value", {"pk": one})
        return super().clean(value)
