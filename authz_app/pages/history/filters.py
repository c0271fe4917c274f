"""Filters the policy history. Each filter is answered by an index of the table, also among a million versions."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from authz_app.core.ids import moment_of
from authz_app.models import PolicyEdit, PolicyRevision, Rule
from authz_app.pages.shared.filters import Choices, ListFilter, TimeFilter, clients_to_choose
from authz_app.pages.shared.ids import number_in
from authz_app.policy_store.tables import table_of

Edits = QuerySet[PolicyEdit]
_OFFERED = 50
_LATEST = 1_000


class _EntityFilter(ListFilter):
    """Leaves the edits of one rule, client or tool; also those of notes and first sights, which make no new version."""

    entity: str

    def narrow(self, queryset: Edits, value: str) -> Edits:
        return queryset.filter(pk__in=PolicyRevision.objects.filter(self.about(number_in(value))).values("edit"))

    def about(self, chosen: int) -> Q:
        return Q(entity=self.entity, entity_id=chosen)


class RuleChangesFilter(_EntityFilter):
    title = "rule"
    parameter_name = entity = "rule"

    def known(self) -> Choices:
        newest = Rule.objects.order_by("-pk").prefetch_related("clients")[:_OFFERED]
        return [(str(rule.pk), f"Rule {rule.pk}: {rule.sentence()}") for rule in newest]


class ClientChangesFilter(_EntityFilter):
    title = "client"
    parameter_name = entity = "client"

    def known(self) -> Choices:
        return clients_to_choose(str(self.used_parameters.get(self.parameter_name, "")))

    def about(self, chosen: int) -> Q:
        return Q(client_id=chosen)


class ToolChangesFilter(_EntityFilter):
    title = "tool, resource or prompt"
    parameter_name = entity = "tool"

    def known(self) -> Choices:
        rows = table_of(self.entity).model._default_manager.order_by("name")
        return [(str(row.pk), str(row)) for row in rows]


class PersonFilter(ListFilter):
    title = "who"
    parameter_name = "who"

    def known(self) -> Choices:
        return sorted((f"{kind}:{name}", actor_words(kind, name)) for kind, name in latest_actors())

    def narrow(self, queryset: Edits, value: str) -> Edits:
        kind, _, name = value.partition(":")
        return queryset.filter(actor=name, actor_kind=kind)


class ChangeTimeFilter(TimeFilter):
    def narrow(self, queryset: Edits, value: str) -> Edits:
        start = None if self.filter is None else self.filter.first
        # Versions come in the order of time, and by them the list is ordered.
        since = PolicyEdit.objects.filter(at__gte=moment_of(start)) if start else PolicyEdit.objects.none()
        first = since.order_by("at").values_list("version", flat=True).first()
        return queryset.none() if first is None else queryset.filter(version__gte=first)


def latest_actors() -> list[tuple[str, str]]:
    """List the kind and name of everybody who changed the policy lately."""
    latest = PolicyEdit.objects.exclude(actor="").order_by("-version", "-id").values_list("actor_kind", "actor")
    return list(dict.fromkeys(latest[:_LATEST]))


def chosen_entities(parameters: Mapping[str, Any]) -> list[tuple[str, int]]:
    """List the rules, clients and tools that the filters chose; none where the list is about all."""
    filters = (RuleChangesFilter, ClientChangesFilter, ToolChangesFilter)
    return [(one.entity, number_in(str(parameters[one.entity]))) for one in filters if parameters.get(one.entity)]


def about(edit: PolicyEdit, chosen: Sequence[tuple[str, int]]) -> QuerySet[PolicyRevision]:
    """Select the revisions of an edit that are about what was chosen, or about rules that name a chosen client.

    Where nothing was chosen, these are all of them.
    """
    revisions = edit.revisions.all()
    wanted = Q()
    for entity, entity_id in chosen:
        wanted |= Q(entity=entity, entity_id=entity_id)
        if entity == "client":
            rules = edit.revisions.filter(entity="rule", client_id=entity_id).values("entity_id")
            wanted |= Q(entity="rule", entity_id__in=rules)
    return revisions.filter(wanted)


def actor_words(kind: str, name: str) -> str:
    """Name who changed the policy: a person, or a command."""
    return f"command {name}" if kind == PolicyEdit.ActorKind.COMMAND else name
