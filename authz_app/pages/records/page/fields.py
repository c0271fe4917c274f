"""Defines what the page of a call record is made of: sections and their fields."""

from collections.abc import Callable
from functools import cache, wraps
from typing import NamedTuple

from django.http import HttpRequest

from authz_app.models import CallRecord

# A function that is decorated with `display`, which says its label.
Field = Callable[[CallRecord], str | None]


class Section(NamedTuple):
    """One section of the page. The first has an empty ``title``."""

    title: str
    fields: tuple[Field, ...]


# What a module of this package tells of a record to whoever asks; None where it has nothing to tell.
# The admin compares fields by identity, so each is a function of its module, and none is made for a request.
SectionOf = Callable[[HttpRequest, CallRecord], Section | None]


@cache
def once(field: Field) -> Field:
    """Cache what a field says of a record: the admin asks several times. The same field gives the same function."""

    @wraps(field)
    def cached(record: CallRecord) -> str | None:
        texts: dict[Field, str | None] = record.__dict__.setdefault("_field_texts", {})
        if field not in texts:
            texts[field] = field(record)
        return texts[field]

    return cached
