"""Migrate a database of the bench and write its policy."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from authz_app.models import Client, Rule, RuleClient
from tests.bench.many_tools import policy


class Command(BaseCommand):
    help = "Migrate a database of the bench and write its policy: `echo` for everybody, or as many rules as asked for."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("issuer")
        parser.add_argument("rules", type=int)
        parser.add_argument("clients", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        with transaction.atomic():
            clients = Client.objects.bulk_create(policy.clients(options["issuer"], options["clients"]))
            rules = Rule.objects.bulk_create(policy.rules(options["rules"]))
            RuleClient.objects.bulk_create(policy.memberships(rules, clients), batch_size=5_000)
