"""Reads the policy from the database and compiles it. Plain SQL rows in, frozen values out."""

import gc
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from authz_app import models
from authz_app.policy.compilation import THESE, RuleRow, compile_rule
from authz_app.policy.decision import Client
from authz_app.policy.policy import Policy
from authz_app.policy.rule import KINDS, Kind, Rule
from authz_app.policy_store.tables import MOST_CHANGES, WHOLE_POLICY
from authz_app.policy_store.tool_port import connected

_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}


def known_kind(kind: str) -> Kind | None:
    """The kind of this name, if rules speak of it."""
    return _KINDS.get(kind)


def stored_version() -> int:
    """The policy version that is committed now.

    Raises:
        DatabaseError: the database cannot be read.
        LookupError: the row that holds the version is gone; nothing may be decided until `migrate` restores it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM authz_app_policystate WHERE id = 1")
        row = cursor.fetchone()
    if row is None:
        raise LookupError("The policy version is missing from the database: run manage.py migrate.")
    return int(row[0])


def load(previous: Policy | None = None) -> Policy:
    """The policy as it is committed now, reading only what changed since ``previous``.

    The version is read before and after the rows: if nothing moved it in between, the rows belong to it.
    """
    while True:
        version = stored_version()
        if previous is not None and previous.version == version:
            return previous
        policy = _changed_since(previous, version) if previous is not None else None
        policy = policy or _whole(version)
        if stored_version() == version:
            return policy


def _whole(version: int) -> Policy:
    with _no_collection():
        clients = _clients(models.Client.objects.all())
        rules = _rules(models.Rule.objects.all(), models.RuleClient.objects.all())
        policy = Policy(
            version,
            clients={(client.issuer, client.subject): client for client in clients},
            rules={rule.id: rule for rule in rules},
            switched_off=connected().switched_off(),
            recording_overrides=connected().recording_overrides(),
        )
        if len(policy.rules) > _MANY:
            # Every call would wait while the collector looks at the policy. It has no cycles, so it does without.
            gc.freeze()
        return policy


_MANY = 10_000


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector from looking, again and again, at what is being made and stays: half the time of a load."""
    was_on = gc.isenabled()
    gc.collect(0)  # Or the latest garbage would be frozen, too.
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _changed_since(previous: Policy, version: int) -> Policy | None:
    """The policy with only the changed rows read, or None where the log of changes cannot tell which they are."""
    changes = models.PolicyChange.objects.filter(version__gt=previous.version, version__lte=version)
    noted = list(changes.values_list("version", "entity", "row_id")[: MOST_CHANGES + 1])
    if len({number for number, _, _ in noted}) != version - previous.version or len(noted) > MOST_CHANGES:
        return None
    ids: dict[str, set[int]] = {"rule": set(), "client": set(), "tool": set()}
    for _, entity, row_id in noted:
        if entity == WHOLE_POLICY:
            return None
        ids[entity].add(row_id)
    # A client's name stands in the sentences of the rules that name it.
    ids["rule"].update(
        models.RuleClient.objects.filter(client__in=ids["client"]).values_list("rule_id", flat=True)
        if ids["client"]
        else ()
    )
    return _with_rows_replaced(previous, version, ids["rule"], ids["client"])


def _with_rows_replaced(previous: Policy, version: int, rule_ids: set[int], client_ids: set[int]) -> Policy:
    clients = previous.clients
    if client_ids:
        fresh = _clients(models.Client.objects.filter(pk__in=client_ids))
        kept = {key: client for key, client in clients.items() if client.id not in client_ids}
        clients = kept | {(client.issuer, client.subject): client for client in fresh}
    rules = models.Rule.objects.filter(pk__in=rule_ids)
    come = _rules(rules, models.RuleClient.objects.filter(rule__in=rule_ids)) if rule_ids else ()
    return previous.changed(
        version,
        clients=clients,
        gone=rule_ids,
        come=come,
        switched_off=connected().switched_off(),
        recording_overrides=connected().recording_overrides(),
    )


def concerning(client_ids: Collection[int]) -> Policy:
    """The policy as it is committed now, as far as it is about these clients. For pages, which wait for no more."""
    named = Q(pk__in=models.RuleClient.objects.filter(client__in=client_ids).values("rule"))
    # A rule that cannot be read is about everybody.
    readable = Q(applies_to=THESE, effect__in=models.Rule.Effect.values, kind__in=models.Rule.Kind.values)
    rules = models.Rule.objects.filter(named | ~readable)
    clients = _clients(models.Client.objects.filter(pk__in=client_ids))
    return Policy(
        stored_version(),
        clients={(client.issuer, client.subject): client for client in clients},
        rules={rule.id: rule for rule in _rules(rules, models.RuleClient.objects.filter(rule__in=rules))},
        switched_off=connected().switched_off(),
    )


def _clients(rows: Any) -> list[Client]:
    return [Client(*row) for row in rows.values_list("id", "issuer", "subject", "status", "name")]


def client_row(issuer: str, subject: str) -> Client | None:
    found = _clients(models.Client.objects.filter(issuer=issuer, subject=subject))
    return found[0] if found else None


def _rules(rows: Any, memberships: Any) -> Iterator[Rule]:
    # Times are read as texts: a value that is no time would come out as None.
    times = {f"{column}_text": Cast(column, TextField()) for column in _TIMES}
    columns = [f"{column}_text" if column in _TIMES else column for column in RULE_COLUMNS]
    named = memberships.values_list("rule_id", "client_id", "client__name", "client__subject")
    return compiled(rows.filter(enabled=True).annotate(**times).values_list(*columns), named)


RULE_COLUMNS = RuleRow._fields
_TIMES = ("valid_from", "valid_until")


def compiled(rows: Iterable[tuple[Any, ...]], memberships: Iterable[tuple[int, int, str, str]]) -> Iterator[Rule]:
    """Rules from rows of ``RULE_COLUMNS``, and from the rule, id, name and subject of each client that is named."""
    named: dict[int, list[tuple[str, str, int]]] = {}
    for rule_id, client_id, name, subject in memberships:
        named.setdefault(rule_id, []).append((name, subject, client_id))
    for row in rows:
        clients = sorted(named.get(row[0], ()))
        yield compile_rule(RuleRow(*row), [(client_id, name or subject) for name, subject, client_id in clients])
