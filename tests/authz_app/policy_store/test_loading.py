"""The policy as it is read from the database: whole, or only what changed, and always the same."""

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from django.db import connection, transaction

from authz_app.models import Client, PolicyChange, PolicyState, Rule, RuleClient
from authz_app.policy.condition_syntax import stored, typed_line
from authz_app.policy.decision import Client as CompiledClient, Reason, Target
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy.rule import KINDS, Kind, Rule as CompiledRule
from authz_app.policy_store import loading, tool_port
from tools_app.models import Tool

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

ISSUER = "https://issuer.example/"
NOON = 1_800_014_400
CHANGES: list[Callable[[random.Random], object]] = []


def change(function: Callable[[random.Random], object]) -> Callable[[random.Random], object]:
    CHANGES.append(function)
    return function


def a_rule(chance: random.Random) -> Rule:
    return chance.choice(list(Rule.objects.all()) or [Rule.objects.create(tools="time")])


def some_clients(chance: random.Random) -> list[Client]:
    return chance.sample(clients := list(Client.objects.all()), chance.randint(0, len(clients)))


def execute(sql: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@change
def create_rule(chance: random.Random) -> None:
    scopes, tools = chance.choice(["", "a", "a b"]), chance.choice(["time", "*", "weather_*\ntime", ""])
    Rule.objects.create(
        effect=chance.choice(["allow", "deny"]), applies_to=chance.choice(["these", "every"]), tools=tools,
        token_scopes=scopes, enabled=chance.random() < 0.8, kind=chance.choice(["tool", "tool", "resource", "prompt"]),
    ).clients.set(some_clients(chance))  # fmt: skip


@change
def give_it_terms(chance: random.Random) -> None:
    """Conditions, a window, a limit; some of which cannot be read."""
    rule = a_rule(chance)
    rule.conditions = chance.choice(["", "nonsense", stored([typed_line("arguments.city equals Paris")])])
    rule.valid_from = chance.choice([None, datetime.fromtimestamp(NOON + chance.randint(0, 99), UTC)])
    rule.valid_until = chance.choice([None, datetime.fromtimestamp(NOON + chance.randint(0, 99), UTC)])
    rule.effect, rule.limit_calls = chance.choice([("allow", None), ("limit", None), ("limit", 5)])
    rule.limit_period, rule.limit_per = "minute", "client"
    rule.save()


@change
def write_what_is_no_time(chance: random.Random) -> None:
    if connection.vendor == "sqlite":
        execute("UPDATE authz_app_rule SET valid_until = 'nonsense' WHERE id = %s", a_rule(chance).pk)
    for column in ("valid_from", "valid_until"):
        execute(f"UPDATE authz_app_rule SET {column} = NULL WHERE id = %s", a_rule(chance).pk)


@change
def create_many(chance: random.Random) -> None:
    rules = Rule.objects.bulk_create([Rule(tools="bulk", applies_to="every") for _ in range(3)])
    RuleClient.objects.bulk_create([RuleClient(rule=rules[0], client=client) for client in some_clients(chance)])


@change
def update_many(chance: random.Random) -> None:
    Rule.objects.filter(pk__gte=a_rule(chance).pk).update(enabled=chance.random() < 0.5)


@change
def bulk_update(chance: random.Random) -> None:
    rules = list(Rule.objects.all()[:5])
    for rule in rules:
        rule.tools = chance.choice(["time", "other"])
    Rule.objects.bulk_update(rules, ["tools"])


@change
def delete_rule(chance: random.Random) -> None:
    a_rule(chance).delete()


@change
def delete_many(chance: random.Random) -> None:
    Rule.objects.filter(pk__lt=a_rule(chance).pk, tools="bulk").delete()


@change
def rename_members(chance: random.Random) -> None:
    for client in some_clients(chance):
        client.name = f"Renamed {chance.random()}"
        client.save()


@change
def set_status(chance: random.Random) -> None:
    ids = [client.pk for client in some_clients(chance)]
    Client.objects.filter(pk__in=ids).update(status=chance.choice(["active", "blocked", "pending"]))


@change
def set_members(chance: random.Random) -> None:
    a_rule(chance).clients.set(some_clients(chance))


@change
def add_and_remove_members(chance: random.Random) -> None:
    a_rule(chance).clients.add(*some_clients(chance))
    a_rule(chance).clients.remove(*some_clients(chance))


@change
def clear_members(chance: random.Random) -> None:
    a_rule(chance).clients.clear()


@change
def move_a_membership(chance: random.Random) -> None:
    rule, row = a_rule(chance), chance.choice([None, *RuleClient.objects.order_by("pk")])
    if row is not None and not RuleClient.objects.filter(rule=rule, client=row.client).exists():
        execute("UPDATE authz_app_ruleclient SET rule_id = %s WHERE id = %s", rule.pk, row.pk)


@change
def see_a_client(chance: random.Random) -> None:
    Client.objects.create(issuer=ISSUER, subject=f"new {chance.random()}", name="New")


@change
def forget_a_client(chance: random.Random) -> None:
    for client in Client.objects.filter(rules=None).exclude(status="blocked").order_by("pk")[:1]:
        client.delete()


@change
def give_a_client_another_subject(chance: random.Random) -> None:
    for client in some_clients(chance)[:1]:
        execute("UPDATE authz_app_client SET subject = %s WHERE id = %s", f"moved {chance.random()}", client.pk)


@change
def make_unreadable(chance: random.Random) -> None:
    execute("UPDATE authz_app_rule SET effect = 'maybe' WHERE id = %s", a_rule(chance).pk)


@change
def delete_by_sql(chance: random.Random) -> None:
    rule = a_rule(chance)
    execute("DELETE FROM authz_app_ruleclient WHERE rule_id = %s", rule.pk)
    execute("DELETE FROM authz_app_rule WHERE id = %s", rule.pk)


@change
def switch_a_tool(chance: random.Random) -> None:
    Tool.objects.filter(name=chance.choice(["echo", "fail"])).update(enabled=chance.random() < 0.5)


@change
def change_and_roll_back(chance: random.Random) -> None:
    with transaction.atomic():
        update_many(chance)
        rename_members(chance)
        transaction.set_rollback(True)


@change
def change_much_at_once(chance: random.Random) -> None:
    with transaction.atomic():
        for one in (create_rule, rename_members, set_members, delete_rule):
            one(chance)


@pytest.fixture
def clients() -> list[Client]:
    names = ["Ada", "Bo", "", "Di"]
    return [Client.objects.create(issuer=ISSUER, subject=f"s{n}", name=name) for n, name in enumerate(names)]


def _by_id(rule: CompiledRule) -> int:
    return rule.id


def assert_same(read: Policy, whole: Policy) -> None:
    assert read.version == whole.version
    assert dict(read.rules) == dict(whole.rules)
    assert read.switched_off == whole.switched_off
    for client_id in (0, *(client.id for client in whole.clients.values())):
        for kind, name in product(KINDS, ("time", "weather_x", "other", "bulk", "one")):
            found, expected = (policy.rules_for(client_id, kind, name) for policy in (read, whole))
            assert sorted(found, key=_by_id) == sorted(expected, key=_by_id), (client_id, kind, name)
    assert [read.next_moment(now) for now in (0.0, NOON + 30, NOON + 90)] == [
        whole.next_moment(now) for now in (0.0, NOON + 30, NOON + 90)
    ]
    # First sights move no version: their rows are read when they are asked for.
    assert read.clients.items() <= whole.clients.items()


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("seed", range(8))
def test_reading_what_changed_comes_to_the_same_as_reading_all(seed: int) -> None:
    chance = random.Random(seed)
    policy = loading.load()
    for turn in range(24):
        one = CHANGES[(seed * 24 + turn) % len(CHANGES)] if turn % 2 else chance.choice(CHANGES)
        one(chance)
        if chance.random() < 0.7:
            policy = loading.load(policy)
            assert_same(policy, loading.load())


@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_a_window_that_cannot_be_read_never_helps(clients: list[Client], effect: str) -> None:
    Rule.objects.create(tools="*", applies_to="every", token_scopes="read")
    unreadable = Rule.objects.create(tools="weather", applies_to="every", effect=effect)
    value = "nonsense" if connection.vendor == "sqlite" else "infinity"
    execute("UPDATE authz_app_rule SET valid_until = %s WHERE id = %s", value, unreadable.pk)
    policy = loading.load()
    assert policy.rules[unreadable.pk].broken
    client = policy.clients[ISSUER, clients[0].subject]
    for scopes, allowed in ((frozenset(), False), (frozenset({"read"}), effect == "allow")):
        principal = Principal(ISSUER, client.subject, "", scopes, 2**40)
        assert decide(principal, client, Target("tool", "weather", True, True), {}, policy, 0.0).allowed == allowed


def test_an_unchanged_policy_is_not_read_again() -> None:
    policy = loading.load()
    assert loading.load(policy) is policy


GHOST = CompiledRule(10**9, "allow", None, frozenset(), ("ghost",), "")


def haunted(policy: Policy) -> Policy:
    """The policy with a rule that no row has: it is still there after a load if and only if that read changes alone."""
    return Policy(policy.version, clients=policy.clients, rules={**policy.rules, GHOST.id: GHOST})


def test_only_what_changed_is_read() -> None:
    rule = Rule.objects.create(tools="time")
    previous = haunted(loading.load())
    rule.tools = "other"
    rule.save()
    policy = loading.load(previous)
    assert set(policy.rules) == {GHOST.id, rule.pk}
    assert policy.rules[rule.pk].tools == ("other",)


def lose_a_note() -> None:
    rule = Rule.objects.create(tools="one")
    lost = PolicyChange.objects.order_by("-version")[0]
    Rule.objects.create(tools="two")
    PolicyChange.objects.filter(version=lost.version).delete()
    rule.save()


def lose_all_notes() -> None:
    Rule.objects.create(tools="one")
    PolicyChange.objects.all().delete()


def change_very_much() -> None:
    with transaction.atomic():
        Rule.objects.bulk_create([Rule(tools="one") for _ in range(600)])


def replace_a_row() -> None:
    if connection.vendor == "sqlite":
        columns = ", ".join(field.column for field in Rule._meta.concrete_fields)
        Rule.objects.create(tools="one")
        execute(f"INSERT OR REPLACE INTO authz_app_rule ({columns}) SELECT {columns} FROM authz_app_rule")
    else:
        execute("TRUNCATE authz_app_rule CASCADE")


@pytest.mark.parametrize("cause", [lose_a_note, lose_all_notes, change_very_much, replace_a_row])
def test_all_is_read_where_the_log_of_changes_does_not_tell_what_changed(cause: Callable[[], None]) -> None:
    previous = haunted(loading.load())
    cause()
    policy = loading.load(previous)
    assert GHOST.id not in policy.rules
    assert_same(policy, loading.load())


@contextmanager
def changed_while_reading(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> Iterator[None]:
    read, left = tool_port.connected().switched_off, [change]

    def reading() -> tool_port.SwitchedOff:
        off = read()
        while left:
            left.pop()()
        return off

    with monkeypatch.context() as patch:
        patch.setattr(tool_port, "_connected", replace(tool_port.connected(), switched_off=reading))
        yield


@pytest.mark.parametrize("from_scratch", [True, False])
def test_a_change_while_reading_is_read_too(monkeypatch: pytest.MonkeyPatch, from_scratch: bool) -> None:
    rule = Rule.objects.create(tools="time")
    previous = None if from_scratch else loading.load()
    Rule.objects.filter(pk=rule.pk).update(tools="other")
    with changed_while_reading(monkeypatch, Rule.objects.filter(pk=rule.pk).delete):
        policy = loading.load(previous)
    assert policy.rules == {}
    assert policy.version == loading.stored_version()


@pytest.mark.parametrize("column", ["effect", "applies_to", "kind"])
@pytest.mark.parametrize("incrementally", [True, False])
def test_a_rule_that_cannot_be_read_denies_everything_to_everybody(
    clients: list[Client], column: str, incrementally: bool
) -> None:
    Rule.objects.create(tools="*", applies_to="every")
    unreadable = Rule.objects.create(tools="time", token_scopes="a")
    previous = loading.load() if incrementally else None
    execute(f"UPDATE authz_app_rule SET {column} = 'maybe' WHERE id = %s", unreadable.pk)
    policy = loading.load(previous)
    client = policy.clients[ISSUER, clients[0].subject]
    principal = Principal(ISSUER, client.subject, "", frozenset(), 2**40)
    for kind in KINDS:
        decision = decide(principal, client, Target(kind, "weather", True, True), {}, policy, 0.0)
        assert decision.reason is Reason.POLICY_ERROR
        assert [rule.id for rule in decision.determining] == [unreadable.pk]
        assert "'maybe', so deny everything to everybody." in decision.determining[0].sentence


@pytest.mark.parametrize("kind", ["resource", "prompt"])
def test_a_rule_of_one_kind_says_nothing_of_another(clients: list[Client], kind: Kind) -> None:
    Rule.objects.create(tools="order", applies_to="every", kind=kind)
    policy = loading.load()
    client = policy.clients[ISSUER, clients[0].subject]
    principal = Principal(ISSUER, client.subject, "", frozenset(), 2**40)
    targets = [Target(of, "order", True, True) for of in KINDS]
    allowed = [target.kind for target in targets if decide(principal, client, target, {}, policy, 0.0).allowed]
    assert allowed == [kind]


def test_what_is_switched_off_is_read_with_its_kind() -> None:
    Tool.objects.create(kind="prompt", name="echo", module="m", enabled=False)
    assert loading.load().switched_off == {("prompt", "echo")}


def test_the_sentence_of_a_rule_follows_the_names_of_its_clients(clients: list[Client]) -> None:
    rule = Rule.objects.create(tools="time")
    rule.clients.set(clients[:3])
    policy = loading.load()
    assert policy.rules[rule.pk].sentence == "Allow s2, Ada and Bo to call time."
    Client.objects.filter(name="Bo").update(name="Beau")
    assert loading.load(policy).rules[rule.pk].sentence == "Allow s2, Ada and Beau to call time."


def test_nothing_can_be_decided_without_the_row_that_holds_the_version() -> None:
    PolicyState.objects.all().delete()
    with pytest.raises(LookupError, match=r"manage\.py migrate"):
        loading.load()


def test_a_large_policy_is_kept_from_the_collector_and_goes_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Rule.objects.bulk_create([Rule(tools=f"tool_{number}") for number in range(20)])
    gc.collect()
    gc.disable()  # What goes from here on has no cycles.
    try:
        before = _rules_in_memory()
        policy = loading.load()
        decide(Principal(ISSUER, "a", "", frozenset(), NOON), *_anybody(), None, policy, NOON)
        assert _rules_in_memory() >= before + 20
        del policy
        assert _rules_in_memory() == before
        monkeypatch.setattr(loading, "_MANY", 10)
        policy = loading.load()
        assert policy.rules and gc.get_freeze_count() > 0
        assert _rules_in_memory() <= before  # The collector knows of none of the new ones.
    finally:
        gc.unfreeze()
        gc.enable()


def _anybody() -> tuple[CompiledClient, Target]:
    return CompiledClient(1, ISSUER, "a", "active", "a"), Target("tool", "tool_1", exists=True, enabled=True)


def _rules_in_memory() -> int:
    return sum(type(one) is CompiledRule for one in gc.get_objects())
