"""Prepares changes of the policy for a template."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from authz_app.history.changes import Change, changes_in
from authz_app.models import Client, PolicyRevision, Rule
from authz_app.redaction.log_lines import visible

# On one page.
MOST = 100


def changes_for_page(revisions: QuerySet[PolicyRevision], version: int) -> dict[str, Any]:
    """Collect the changes for a template, with links to the rules and clients that still exist."""
    changes = changes_in(revisions, version, MOST)
    rules = Rule.objects.filter(pk__in=_ids(changes.shown, "rule")).values_list("pk", flat=True)
    clients = Client.objects.filter(pk__in=_ids(changes.shown, "client")).values_list("pk", flat=True)
    links = {("rule", pk): reverse("admin:authz_app_rule_change", args=[pk]) for pk in rules}
    links |= {("client", pk): reverse("admin:authz_app_client_change", args=[pk]) for pk in clients}
    shown = [_shown(one, links.get((one.entity, one.entity_id))) for one in changes.shown]
    return {"changes": shown, "left_out": changes.left_out}


def _shown(change: Change, link: str | None) -> dict[str, Any]:
    fields = [{"name": one.name, "was": visible(one.was), "became": visible(one.became)} for one in change.fields]
    was, became = (None if text is None else visible(text) for text in (change.was, change.became))
    return {
        "name": visible(change.name),
        "link": link,
        "what": change.what,
        "was": was,
        "became": became,
        "fields": fields,
    }


def _ids(changes: Sequence[Change], entity: str) -> list[int]:
    return [change.entity_id for change in changes if change.entity == entity]
