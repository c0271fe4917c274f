"""Finds the clients that a text names: by how the name begins, by the subject, by a glob, or by the number."""

import re

from django.db.models import Q
from django.db.models.functions import Lower

from authz_app.models import Client
from authz_app.record_search.globs import is_glob
from authz_app.record_search.parser import SearchError

_MOST = 100
# Digits: all such numbers fit into the database's integers.
_NUMBER = re.compile(r"#([0-9]{1,18})")


def clients_named(text: str) -> list[int]:
    """Find the ids of clients with this name, whatever it was at the time; ``#3`` is id 3, even of a deleted client.

    Raises:
        SearchError: there is none, or there are too many.
    """
    if number := _NUMBER.fullmatch(text):
        return [int(number[1])]
    named = Q(lower_name__glob=text.lower()) | Q(subject__glob=text)
    if not is_glob(text):
        named = Q(name__istartswith=text) | Q(subject=text)
    found = Client.objects.annotate(lower_name=Lower("name")).filter(named)
    ids = list(found.order_by().values_list("pk", flat=True)[: _MOST + 1])
    if not ids:
        raise SearchError(
            f"No client is called “{text}”. Write how its name begins, its whole subject, or a glob such as *agent*."
        )
    if len(ids) > _MOST:
        raise SearchError(f"More than {_MOST} clients are called “{text}”. Write more of the name.")
    return ids
