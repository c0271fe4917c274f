"""Reads the policy of any past version from the history, compiled by the code that compiles the current one."""

from collections.abc import Iterator
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

from django.db.models import Max, Min, Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from authz_app import models
from authz_app.models import PolicyEdit, PolicyRevision
from authz_app.policy.compilation import THESE
from authz_app.policy.decision import Client
from authz_app.policy.policy import Policy
from authz_app.policy_store.loading import RULE_COLUMNS, compiled, known_kind
from authz_app.policy_store.tables import table_of


class NotInHistory(LookupError):
    """The policy of a version is not known. The message tells why, in a sentence."""


def policy_at(version: int, about: tuple[str, str] | None = None) -> Policy:
    """The policy as it was when this version was the committed one.

    ``about``: no more of it than concerns the client with this issuer and subject, which is little to read.

    Raises:
        NotInHistory: the history does not reach back to it, has a gap before it, or it has not come yet.
    """
    require_known(version)
    until = _until(version)
    client_id = _client_id(until, about) if about is not None else None
    # Of a client whose row came later, or is gone by now, the history is not known by its id: then all is read.
    which = _RowsToRead() if client_id is None else _concerning(until, client_id)
    clients = {row["id"]: row for row in _rows_at(until & which.clients, "client")}
    memberships = [
        (row["rule_id"], row["client_id"], clients[row["client_id"]]["name"], clients[row["client_id"]]["subject"])
        for row in _rows_at(until & which.members, "member")
        if row["client_id"] in clients
    ]
    rules = _rows_at(until, "rule", which.rules)
    enabled = (tuple(row[column] for column in RULE_COLUMNS) for row in rules if row["enabled"])
    return Policy(
        version,
        clients={
            (row["issuer"], row["subject"]): Client(
                *(row[name] for name in ("id", "issuer", "subject", "status", "name"))
            )
            for row in clients.values()
        },
        rules={rule.id: rule for rule in compiled(enabled, memberships)},
        switched_off=frozenset(
            (kind, row["name"])
            for row in _rows_at(until, "tool")
            if not row["enabled"] and (kind := known_kind(row["kind"]))
        ),
    )


def _client_id(until: Q, about: tuple[str, str]) -> int | None:
    """The id of the client's row, if it had the same one then."""
    issuer, subject = about
    now = models.Client.objects.filter(issuer=issuer, subject=subject).values_list("pk", flat=True).first()
    then = next(_rows_at(until & Q(part_id=now), "client"), None) if now is not None else None
    return now if then is not None and (then["issuer"], then["subject"]) == about else None


class _RowsToRead(NamedTuple):
    """Selects the rows to read: all by default."""

    clients: Q = Q()
    members: Q = Q()
    rules: Q = Q()


def _concerning(until: Q, client_id: int) -> _RowsToRead:
    """Selects what concerns a client: rules that ever named it, the clients beside it, and rules about everybody."""
    members = PolicyRevision.objects.filter(until, part="member")
    rules = members.filter(client_id=client_id).values("entity_id")
    named = members.filter(entity="rule", entity_id__in=rules).values("client_id")
    return _RowsToRead(
        clients=Q(part_id=client_id) | Q(part_id__in=named),
        members=Q(entity="rule", entity_id__in=rules),
        rules=Q(part_id__in=rules) | ~_of_others(),
    )


def _of_others() -> Q:
    """Selects readable rules for the clients which they name; a rule that cannot be read is about everybody."""
    readable = {"applies_to": [THESE], "effect": models.Rule.Effect.values, "kind": models.Rule.Kind.values}
    # As each database writes JSON. Within a text the quotation marks would stand behind backslashes.
    ways = (
        [Value(f'"{column}"{colon}"{value}"') for value in values for colon in (":", " : ", ": ")]
        for column, values in readable.items()
    )
    # Unlike `contains`, which minds no case on SQLite.
    return reduce(and_, (reduce(or_, (Q(GreaterThan(StrIndex("became", way), 0)) for way in some)) for some in ways))


def _rows_at(until: Q, part: str, image: Q | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a policy table as the last of these revisions left them, if their image meets ``image``."""
    table = table_of(part)
    return (table.values(found) for found in _images(Q(until, part=part), image).values())


def latest_images(part: str, version: int, **of_these: Any) -> dict[int, str]:
    """Some rows of one part as they were under a version: id to image. ``of_these`` says which revisions they have."""
    return _images(Q(edit__version__lte=version, part=part, **of_these))


def _images(revisions: Q, image: Q | None = None) -> dict[int, str]:
    # The revisions of one row follow each other in the order of their ids.
    latest = PolicyRevision.objects.filter(revisions).values("part_id").annotate(last=Max("id")).values("last")
    images = PolicyRevision.objects.filter(image or Q(), pk__in=latest).values_list("part_id", "became")
    return {part_id: image for part_id, image in images.iterator() if image is not None}


def _until(version: int) -> Q:
    """The revisions of all versions until this one, told by their edits' ids, which spares a look at each edit.

    Transactions at the same time may get their versions in another order than their edits: those are named.
    """
    last = PolicyEdit.objects.filter(version__lte=version).aggregate(last=Max("id"))["last"] or 0
    later = PolicyEdit.objects.filter(version__gt=version, pk__lt=last).values_list("pk", flat=True)
    return Q(edit__lte=last) & ~Q(edit__in=list(later))


def version_at(moment: datetime) -> int:
    """The version that was the committed one at a moment.

    Raises:
        NotInHistory: the history begins later.
    """
    made = PolicyEdit.objects.filter(moved=True, version__isnull=False)
    version = made.filter(at__lte=moment).aggregate(last=Max("version"))["last"]
    if version is None:
        first = made.aggregate(first=Min("at"))["first"]
        begins = f"begins at {first:%Y-%m-%d %H:%M:%S} UTC" if first else "is empty"
        raise NotInHistory(f"The history of the policy {begins}, so what it was at that time is not known.")
    return int(version)


def first_version() -> int | None:
    """The version that the history begins with; None while it is empty."""
    # What changed while the version's row was gone stands under 0.
    first: int | None = PolicyEdit.objects.filter(version__gt=0).aggregate(first=Min("version"))["first"]
    return first


def require_known(version: int) -> None:
    """Make sure that the history says what the policy was under a version.

    Raises:
        NotInHistory: it does not.
    """
    last = PolicyEdit.objects.aggregate(last=Max("version"))["last"]
    first = first_version()
    if first is None or last is None or version > last:
        raise NotInHistory(f"There has been no policy version {version} yet.")
    if version < first:
        raise NotInHistory(
            f"The history begins with policy version {first}, so what the policy was under version {version} is not"
            " known."
        )
    known = PolicyEdit.objects.filter(moved=True, version__gte=first, version__lte=version).count()
    if known < version - first + 1:
        raise NotInHistory(
            f"Of the policy versions from {first} to {version}, {version - first + 1 - known} are missing from the"
            f" history, so what the policy was under version {version} is not known."
        )
