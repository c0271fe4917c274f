"""Promise 4: no call whose record commits after a change of the policy was decided by the old policy.

Thousands of calls race against changes of every kind. The database itself keeps the judge's book: a trigger notes, with
every move of the policy version, what the policy then says of the call, and the order of commits is the database's own.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client as Browser
from mcp.shared.exceptions import MCPError

from authz_app.audit import writer
from authz_app.audit.entries import OPENING_COLUMNS, Opening
from authz_app.models import CallRecord, Client, Rule, User
from authz_app.policy.principal import Principal
from tests.callers import caller_for, dependencies
from tests.promises import judge
from tools_app.client_requests.questions import Question
from tools_app.invocation import invoke as invocation
from tools_app.invocation.access_request import tool_call
from tools_app.models import Tool
from tools_app.wire.jsonrpc import INTERNAL_ERROR

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

CALLS = 3_000
FLIPS = 60
IN_FLIGHT = 16
PAUSE = 0.01
ISSUER = "https://issuer.example/"


@dataclass(frozen=True)
class Scene:
    """The one client and rule that everything turns on."""

    client: Client
    rule: Rule


@pytest.fixture
def scene() -> Iterator[Scene]:
    client = Client.objects.create(issuer=ISSUER, subject="alice")
    rule = Rule.objects.create(effect="allow", applies_to="these", tools="*")
    rule.clients.set([client])
    with connection.cursor() as cursor:
        judge.open_book(cursor, connection.vendor, question(client, rule))
    with transaction.atomic():
        Rule.objects.filter(enabled=True).update(enabled=False)
    Rule.objects.update(enabled=True)
    yield Scene(client, rule)
    with connection.cursor() as cursor:
        judge.close_book(cursor, connection.vendor)


def question(client: Client, rule: Rule) -> judge.Question:
    return judge.Question(rule.pk, client.pk, "echo_async")


def flips(scene: Scene) -> Sequence[Callable[[bool], object]]:
    """Ways to take the right away and give it back."""
    rule, client = scene.rule, scene.client

    def by_save(allowed: bool) -> None:
        client.status = "active" if allowed else "blocked"
        client.save()

    def by_raw_sql(allowed: bool) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE authz_app_rule SET tools = %s WHERE id = %s", ["*" if allowed else "", rule.pk])

    def by_bulk(allowed: bool) -> None:
        if allowed:
            Rule.objects.filter(effect="deny").delete()
        else:
            Rule.objects.bulk_create([Rule(effect="deny", applies_to="every", tools="*") for _ in range(3)])

    def by_bulk_update(allowed: bool) -> None:
        rule.effect = "allow" if allowed else "deny"
        Rule.objects.bulk_update([rule], ["effect"])

    def in_a_transaction(allowed: bool) -> None:
        with transaction.atomic():
            Rule.objects.filter(pk=rule.pk).update(enabled=not allowed)
            Rule.objects.filter(pk=rule.pk).update(enabled=allowed)

    def rolled_back(allowed: bool) -> None:
        with transaction.atomic():
            Rule.objects.filter(pk=rule.pk).update(enabled=not allowed)
            transaction.set_rollback(True)
        rule.clients.set([client] if allowed else [])

    return [
        by_save,
        *_in_the_admin(client, rule),
        by_raw_sql,
        by_bulk,
        by_bulk_update,
        in_a_transaction,
        rolled_back,
        lambda allowed: rule.clients.set([client] if allowed else []),
        lambda allowed: Rule.objects.filter(pk=rule.pk).update(enabled=allowed),
        lambda allowed: Tool.objects.filter(name="echo_async").update(enabled=allowed),
    ]


def _in_the_admin(client: Client, rule: Rule) -> Sequence[Callable[[bool], object]]:
    """What an administrator does: the action on the list of clients, and the form of the rule."""
    browser = Browser()
    browser.force_login(User.objects.create_superuser("root"))

    def by_action(allowed: bool) -> None:
        chosen = {"action": "make_active" if allowed else "block", "_selected_action": [client.pk]}
        assert browser.post("/admin/authz_app/client/", chosen).status_code == 302

    def by_form(allowed: bool) -> None:
        form = {"effect": "allow", "applies_to": "these", "clients": [client.pk], "tools": "*", "token_scopes": ""}
        switch = {"enabled": "on"} if allowed else {}
        answer = browser.post(f"/admin/authz_app/rule/{rule.pk}/change/", {**form, "note": "", **switch})
        assert answer.status_code == 302

    return [by_action, by_form]


class Flipper(threading.Thread):
    """Changes the policy, one way after the other, until told to stop."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._flips = flips(scene)
        self.done = threading.Event()
        self.flipped = self.called = self.unrecorded = 0
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            for turn in count():
                flip = self._flips[turn % len(self._flips)]
                flip(False)
                self.done.wait(PAUSE)
                flip(True)
                self.flipped += 2
                if self.done.wait(PAUSE):
                    break
        except Exception as error:  # noqa: BLE001  (told to the test, which raises it)
            self.failure = error
        finally:
            connection.close()

    def turns(self) -> Iterator[int]:
        """One turn for each call: `CALLS`, and on a slow machine as many more as it takes for `FLIPS` changes."""
        while self.called < CALLS or (self.flipped < FLIPS and self.is_alive()):
            self.called += 1
            yield self.called


async def _call_many(flipper: Flipper) -> None:
    """Make all calls, and count those that were neither allowed nor denied, because they could not be recorded."""
    caller = caller_for(Principal(ISSUER, "alice", "app", frozenset(), 2**40))
    with dependencies() as here:
        turns = flipper.turns()

        async def work() -> None:
            for _ in turns:
                try:
                    await invocation.invoke(caller, tool_call("echo_async", {"text": "x"}), _NoChannel(), here)
                except MCPError as error:
                    flipper.unrecorded += error.error.code == INTERNAL_ERROR

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


class _NoChannel:
    def progress(self, progress: float, total: float | None, message: str | None) -> None: ...
    def log(self, level: Any, data: Any) -> None: ...

    round_trips = None

    async def ask(self, question: Question) -> Any: ...


def race(scene: Scene) -> Flipper:
    flipper = Flipper(scene)
    flipper.start()
    try:
        asyncio.run(_call_many(flipper))
    finally:
        flipper.done.set()
        flipper.join(30)
    if flipper.failure is not None:
        raise flipper.failure
    return flipper


def violations(scene: Scene) -> list[str]:
    with connection.cursor() as cursor:
        return judge.violations(cursor, connection.vendor, question(scene.client, scene.rule))


@pytest.fixture
def commit_order() -> None:
    """PostgreSQL tells the order of commits only where `track_commit_timestamp` is on."""
    with connection.cursor() as cursor:
        ordered = judge.has_commit_order(cursor, connection.vendor)
    assert ordered, "Run this against a cluster with track_commit_timestamp = on."


@pytest.mark.usefixtures("commit_order")
def test_no_record_commits_under_a_policy_that_is_no_longer_committed(scene: Scene) -> None:
    flipper = race(scene)
    decisions = set(CallRecord.objects.values_list("decision", flat=True))
    assert CallRecord.objects.count() + flipper.unrecorded == flipper.called
    assert flipper.unrecorded < flipper.called / 10
    assert decisions == {"allowed", "denied"}, "the race decided nothing"
    assert flipper.flipped >= FLIPS
    assert violations(scene) == []


@pytest.mark.usefixtures("commit_order")
def test_the_same_race_without_the_check_is_lost(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real = writer.statements_for
    monkeypatch.setattr(writer, "statements_for", lambda connection: _Unchecked(real(connection)))
    race(scene)
    assert violations(scene) != []


class _Unchecked:
    """The statements without the comparison of versions."""

    def __init__(self, checked: Any) -> None:
        self._checked = checked

    def insert(self, cursor: Any, openings: Sequence[Opening]) -> set[UUID]:
        return {record for opening in openings for record in self._insert(cursor, opening)}

    def _insert(self, cursor: Any, opening: Opening) -> set[UUID]:
        if connection.vendor == "sqlite":
            return set(self._checked.insert_all(cursor, [opening]))
        cursor.execute("SELECT version FROM authz_app_policystate")
        committed = cursor.fetchone()[0]
        if committed == opening.policy_version:
            return set(self._checked.insert(cursor, [opening]))
        row = {name: getattr(opening, name) for name in OPENING_COLUMNS}
        CallRecord.objects.bulk_create([CallRecord(**row)])
        return {opening.id}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._checked, name)
