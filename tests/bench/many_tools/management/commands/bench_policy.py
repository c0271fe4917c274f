"""Write a policy of many rules into an empty database, and measure decisions and loads. Prints JSON."""

import json
import statistics
import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from authz_app.models import Client, Rule, RuleClient
from authz_app.policy.decision import Target
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy_store import loading
from tests.bench.many_tools import policy

_ROUNDS = 20
_DECISIONS = 20_000
_TARGET = Target("tool", "echo", True, True)


class Command(BaseCommand):
    help = "Write a policy of so many rules into an empty database, and measure decisions and loads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rules", type=int)

    def handle(self, *args: Any, rules: int, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        with transaction.atomic():
            clients = Client.objects.bulk_create(policy.clients(policy.ISSUER, max(rules // 10, 1)))
            saved = Rule.objects.bulk_create(policy.spread_rules(rules), batch_size=5_000)
            few = Rule.objects.bulk_create(policy.a_handful())
            RuleClient.objects.bulk_create(policy.spread_memberships(saved, clients), batch_size=5_000)
            RuleClient.objects.bulk_create([RuleClient(rule=rule, client=clients[0]) for rule in few])
        loaded, load_seconds = _timed(None)
        changes = []
        for turn in range(_ROUNDS):
            # One that is for every client, one of the measured client's, and one of somebody else's.
            rule = [saved[0], few[0], saved[-1]][turn % 3] if saved else few[0]
            Rule.objects.filter(pk=rule.pk).update(tools=f"{rule.tools}\nturn_{turn}")
            loaded, took = _timed(loaded)
            changes.append(took)
        found = {"load_s": load_seconds, "change_ms": max(changes) * 1000, "decide_us": _decide_us(loaded, clients[0])}
        self.stdout.write(json.dumps(found))


def _timed(previous: Policy | None) -> tuple[Policy, float]:
    """The policy as it is now, and in how many seconds it was loaded."""
    started = time.perf_counter()
    return loading.load(previous), time.perf_counter() - started


def _decide_us(loaded: Policy, row: Client) -> float:
    """Microseconds for a decision, by tokens and arguments in turn."""
    client = loaded.clients[row.issuer, row.subject]
    principals = [
        Principal(row.issuer, row.subject, "", frozenset({"read"}), 2**40, {"team": f"team-{number}", "jti": number})
        for number in range(4)
    ]
    calls = [({"text": "hello", "city": city}, principal) for city in ("Paris", "Oslo") for principal in principals]
    for arguments, principal in calls:
        assert decide(principal, client, _TARGET, arguments, loaded, 0.0).allowed
    rounds = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(_DECISIONS // len(calls)):
            for arguments, principal in calls:
                decide(principal, client, _TARGET, arguments, loaded, 0.0)
        rounds.append((time.perf_counter() - started) / _DECISIONS * 1e6)
    return statistics.median(rounds)
