"""Says where to go instead of Django's development server, which cannot carry event streams."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Not used here: see manage.py serve."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("addrport", nargs="?")

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("Django's development server cannot carry MCP's event streams. Use: manage.py serve")
