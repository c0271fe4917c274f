"""The policy of any past version, as the history has it: the very policy that was read when it was the current one."""

import random

import pytest
from django.db import connection

from authz_app.history.past import NotInHistory, first_version, policy_at
from authz_app.models import Client, PolicyEdit, PolicyRevision, Rule
from authz_app.policy.decision import Client as DecidedClient, Target
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy_store import loading
from authz_app.triggers import install
from tests.authz_app.policy_store.test_loading import CHANGES, ISSUER, execute

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def clients() -> list[Client]:
    names = ["Ada", "Bo", "", "Di"]
    return [Client.objects.create(issuer=ISSUER, subject=f"s{n}", name=name) for n, name in enumerate(names)]


def assert_same(past: Policy, then: Policy) -> None:
    assert past.version == then.version
    assert dict(past.rules) == dict(then.rules)
    assert past.switched_off == then.switched_off
    # First sights move no version, so clients may have been added while it was the current one.
    assert then.clients.items() <= past.clients.items()


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("seed", range(6))
def test_every_past_policy_is_the_one_that_was_read_then(seed: int) -> None:
    chance = random.Random(seed)
    read = [loading.load()]
    for turn in range(24):
        one = CHANGES[(seed * 24 + turn) % len(CHANGES)] if turn % 2 else chance.choice(CHANGES)
        one(chance)
        read.append(loading.load())
    assert len({policy.version for policy in read}) > 10
    for then in read:
        past = policy_at(then.version)
        assert_same(past, then)
        for about, client in past.clients.items():
            assert_all_about(client, policy_at(then.version, about), past)


def assert_all_about(client: DecidedClient, narrow: Policy, past: Policy) -> None:
    """Whatever is asked about the client is answered the same."""
    concerning = {one.id: one for one in past.rules.values() if one.clients is None or client.id in one.clients}
    assert concerning.items() <= narrow.rules.items() <= past.rules.items()
    assert narrow.clients[client.issuer, client.subject] == client
    assert (narrow.version, narrow.switched_off) == (past.version, past.switched_off)


@pytest.mark.usefixtures("clients")
def test_little_is_read_of_what_concerns_others(clients: list[Client]) -> None:
    ada, bo = clients[:2]
    for number, named in enumerate([[ada], [bo], [ada, bo], []]):
        Rule.objects.create(tools=f"tool_{number}").clients.set(named)
    Rule.objects.create(tools="all", applies_to="every", note='"applies_to":"these"')
    for column, value in (("kind", "?"), ("effect", "ALLOW")):
        Rule.objects.filter(pk=Rule.objects.create(tools="odd").pk).update(**{column: value})
    narrow = policy_at(loading.stored_version(), (ISSUER, "s0"))
    assert sorted(rule.tools[0] for rule in narrow.rules.values()) == ["*", "*", "all", "tool_0", "tool_2"]
    assert {client.subject for client in narrow.clients.values()} == {"s0", "s1"}


def test_of_a_client_that_is_gone_or_has_come_again_all_is_read(clients: list[Client]) -> None:
    rule = Rule.objects.create(tools="time")
    rule.clients.set(clients[:1])
    then = loading.stored_version()
    rule.clients.clear()
    clients[0].delete()
    assert rule.pk in policy_at(then, (ISSUER, "s0")).rules
    Client.objects.create(issuer=ISSUER, subject="s0")
    assert policy_at(then, (ISSUER, "s0")).clients[ISSUER, "s0"].name == "Ada"
    assert rule.pk in policy_at(then, (ISSUER, "s0")).rules


def test_a_call_is_decided_under_a_past_policy_as_it_was_then(clients: list[Client]) -> None:
    rule = Rule.objects.create(tools="time")
    rule.clients.set(clients[:1])
    allowed_under = loading.stored_version()
    Rule.objects.all().delete()
    principal = Principal(ISSUER, "s0", "", frozenset(), 2**40)

    def reason(version: int) -> str:
        policy = policy_at(version)
        return decide(
            principal, policy.clients[ISSUER, "s0"], Target("tool", "time", True, True), {}, policy, 0.0
        ).reason

    assert [reason(allowed_under), reason(loading.stored_version())] == ["allowed", "no_rule"]


def test_a_rule_that_could_not_be_read_denied_everything_then_too() -> None:
    rule = Rule.objects.create(tools="time")
    execute("UPDATE authz_app_rule SET effect = 'maybe' WHERE id = %s", rule.pk)
    broken_under = loading.stored_version()
    Rule.objects.all().delete()
    assert policy_at(broken_under).rules[rule.pk].broken


def test_what_came_before_the_history_is_said_to_be_unknown() -> None:
    first = first_version()
    assert first is not None
    with pytest.raises(NotInHistory, match=f"^The history begins with policy version {first}, so what the policy was"):
        policy_at(first - 1)
    with pytest.raises(NotInHistory, match=r"^There has been no policy version \d+ yet\.$"):
        policy_at(loading.stored_version() + 1)


def test_a_gap_is_told_and_not_guessed_over() -> None:
    first = loading.stored_version()
    for tools in "abc":
        Rule.objects.create(tools=tools)
    gone = PolicyEdit.objects.get(version=first + 2)
    PolicyRevision.objects.filter(edit=gone).delete()
    gone.delete()
    assert len(policy_at(first + 1).rules) == 1
    with pytest.raises(NotInHistory, match="1 are missing from the history"):
        policy_at(first + 3)


def test_an_empty_history_says_so() -> None:
    PolicyRevision.objects.all().delete()
    PolicyEdit.objects.all().delete()
    with pytest.raises(NotInHistory):
        policy_at(1)
    install.install(connection)
    assert policy_at(loading.stored_version()).version == loading.stored_version()
