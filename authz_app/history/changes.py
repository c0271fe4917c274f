"""Tells in words what a stretch of the history changed: each rule, client and tool as it was and as it became."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from authz_app.history.fields import FieldChange, changed_fields
from authz_app.history.past import latest_images
from authz_app.models import PolicyRevision
from authz_app.policy_store.loading import RULE_COLUMNS, compiled
from authz_app.policy_store.tables import table_of
from authz_app.redaction.audit_level import AuditLevel, override_of, written

# A row as the history has it, before and after; None where it was not.
RowValues = dict[str, Any] | None
_MANY_NAMES = 20


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one rule, client or tool. ``was`` and ``became`` are its words, None if there was none."""

    entity: str
    entity_id: int
    name: str
    was: str | None
    became: str | None
    fields: tuple[FieldChange, ...]

    @property
    def what(self) -> str:
        """What was done, in a word."""
        if self.was is None:
            return "added"
        return "removed" if self.became is None else "changed"

    @property
    def summary(self) -> str:
        if self.was is None:
            return f"{self.name} added: {self.became}"
        if self.became is None:
            return f"{self.name} removed: {self.was}"
        if self.was != self.became:
            return f"{self.name}: {self.was} → {self.became}"
        return f"{self.name}: {', '.join(field.name.lower() for field in self.fields)} changed."


@dataclass(frozen=True, slots=True)
class Changes:
    """The first changes, and how many rules, clients and tools were touched in all."""

    shown: tuple[Change, ...]
    touched: int

    @property
    def left_out(self) -> int:
        return max(0, self.touched - len(self.shown))


def changes_in(revisions: QuerySet[PolicyRevision], version: int, most: int) -> Changes:
    """Read what the revisions changed, taken together. ``version`` is their last one."""
    touched = revisions.order_by("-entity", "entity_id").values_list("entity", "entity_id").distinct()
    first = list(touched[: most + 1])
    count = len(first) if len(first) <= most else touched.count()
    stretch = _Stretch(revisions, version, first[:most])
    changes = (stretch.change(entity, entity_id) for entity, entity_id in first[:most])
    shown = tuple(change for change in changes if change is not None)
    # What came to nothing, because it was undone within the stretch, is no change.
    return Changes(shown, count if count > most else len(shown))


class _Stretch:
    """Rows before and after some revisions. Those that were not touched are as they are at the end of it."""

    def __init__(self, revisions: QuerySet[PolicyRevision], version: int, entities: Sequence[tuple[str, int]]) -> None:
        self._version = version
        self._touched: dict[tuple[str, int], tuple[str | None, str | None]] = {}
        self._members: dict[int, dict[int, int]] = {}
        rules = [entity_id for entity, entity_id in entities if entity == "rule"]
        chosen = Q(pk__in=[])
        for entity in {entity for entity, _ in entities}:
            chosen |= Q(entity=entity, entity_id__in=[entity_id for one, entity_id in entities if one == entity])
        for one in revisions.filter(chosen).order_by("id"):
            key = (one.part, one.part_id)
            self._touched[key] = (self._touched.get(key, (one.was,))[0], one.became)
        self._rules = latest_images("rule", version, part_id__in=rules)
        self._read_members(rules)
        self._client_names = self._names(client for members in self._members.values() for client in members.values())

    def _read_members(self, rules: Sequence[int]) -> None:
        """Every client that these rules ever named until the end of the stretch: membership to client, by rule."""
        named = PolicyRevision.objects.filter(
            part="member", entity="rule", entity_id__in=rules, edit__version__lte=self._version
        )
        for rule_id, member, client in named.values_list("entity_id", "part_id", "client_id").order_by("id"):
            self._members.setdefault(rule_id, {})[member] = client or 0
        self._memberships = latest_images("member", self._version, entity="rule", entity_id__in=rules)

    def _names(self, clients: Iterable[int]) -> dict[int, tuple[tuple[str, str], tuple[str, str]]]:
        """Name and subject of clients, before and after."""
        ids, table, images, names = sorted(set(clients)), table_of("client"), {}, {}
        for start in range(0, len(ids), 500):
            images.update(latest_images("client", self._version, part_id__in=ids[start : start + 500]))
        for client in ids:
            image = images.get(client)
            before, after = self._touched.get(("client", client), (image, image))
            if known := after or before:
                was, became = (table.values(one or known) for one in (before, after))
                names[client] = ((was["name"], was["subject"]), (became["name"], became["subject"]))
        return names

    def _row(self, part: str, part_id: int, latest: Mapping[int, str]) -> tuple[RowValues, RowValues]:
        untouched = latest.get(part_id)
        was, became = self._touched.get((part, part_id), (untouched, untouched))
        table = table_of(part)
        return (table.values(was) if was else None, table.values(became) if became else None)

    def change(self, entity: str, entity_id: int) -> Change | None:
        """The change of one rule, client or tool; None if nothing changed."""
        if entity == "rule":
            return self._rule_change(entity_id)
        was, became = self._row(entity, entity_id, {})
        if was == became:
            return None
        name, words = (_client_name, _client_words) if entity == "client" else (_tool_name, _tool_words)
        return Change(
            entity,
            entity_id,
            name(became or was or {}),
            words(was) if was else None,
            words(became) if became else None,
            changed_fields(table_of(entity), was, became),
        )

    def _rule_change(self, rule_id: int) -> Change | None:
        was, became = self._row("rule", rule_id, self._rules)
        before, after = self._named_by(rule_id, 0), self._named_by(rule_id, 1)
        if (was, before) == (became, after):
            return None
        return Change(
            "rule",
            rule_id,
            f"Rule {rule_id}",
            _rule_words(was, before) if was else None,
            _rule_words(became, after) if became else None,
            (*_named(before, after), *changed_fields(table_of("rule"), was, became)),
        )

    def _named_by(self, rule_id: int, when: int) -> list[tuple[int, str, str]]:
        """Id, name and subject of each client that a rule named; ``when`` is 0 for before, 1 for after."""
        rows = (
            (client, self._row("member", member, self._memberships)[when])
            for member, client in self._members.get(rule_id, {}).items()
        )
        clients = {client for client, row in rows if row is not None and row["rule_id"] == rule_id}
        return sorted(
            (client, *self._client_names.get(client, (("", f"client {client}"),) * 2)[when]) for client in clients
        )


def _rule_words(row: dict[str, Any], named: Sequence[tuple[int, str, str]]) -> str:
    memberships = [(row["id"], *client) for client in named]
    (rule,) = compiled([tuple(row[column] for column in RULE_COLUMNS)], memberships)
    return rule.sentence if row["enabled"] else f"Switched off: {rule.sentence}"


def _named(before: Sequence[tuple[int, str, str]], after: Sequence[tuple[int, str, str]]) -> list[FieldChange]:
    """The clients that were taken out of a rule and put into it."""
    was, became = ({client: name or subject for client, name, subject in named} for named in (before, after))
    gone = sorted(name for client, name in was.items() if client not in became)
    added = sorted(name for client, name in became.items() if client not in was)
    return [FieldChange("Clients", _few(gone), _few(added))] if gone or added else []


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MANY_NAMES} more" if len(names) > _MANY_NAMES else ""
    return ", ".join(names[:_MANY_NAMES]) + more


def _client_name(row: dict[str, Any]) -> str:
    return f"Client {row['id']}"


def _client_words(row: dict[str, Any]) -> str:
    return f"{row['name'] or row['subject']}, {row['status']}"


def _tool_name(row: dict[str, Any]) -> str:
    return f"{str(row['kind']).capitalize()} {row['name']}"


def _tool_words(row: dict[str, Any]) -> str:
    is_on = "switched on" if row["enabled"] else "switched off"
    choice = override_of(str(row["recorded"]), str(row["redacted"]))
    level = f", recorded: {_LEVELS[choice.level]}" if choice.level else ""
    paths = f", never recorded: {_few([written(path) for path in choice.paths])}" if choice.paths else ""
    return f"{is_on}{level}{paths}"


_LEVELS = {
    AuditLevel.METADATA: "metadata",
    AuditLevel.ARGUMENTS: "arguments",
    AuditLevel.RESULT: "arguments and result",
}
