"""`manage.py access_token` prints an access token of the embedded issuer, for scripts. Stdout has nothing else."""

from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from authz_app.conf import conf, local_issuer_url
from authz_app.embedded_issuer.applications import ApplicationError, find_service, issue_access_token
from authz_app.tokens.signing_key import IssuerKeyError

_LONGEST = 366 * 24 * 3600


class Command(BaseCommand):
    help = "Print an access token of the embedded issuer, issued to one of its OAuth applications."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--client", metavar="NAME", default="demo", help="OAuth application (default: demo)")
        parser.add_argument("--scope", metavar="X", nargs="+", action="extend", default=[], help="token scope")
        parser.add_argument(
            "--lifetime",
            metavar="SECONDS",
            type=_seconds,
            default=settings.IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN,
            help="how long the token is good (default: %(default)s)",
        )

    def handle(self, *args: Any, client: str, scope: list[str], lifetime: int, **options: Any) -> None:
        issuer = local_issuer_url(conf().public_url)
        if not conf().local_issuer:
            raise CommandError(
                "The embedded issuer is off. Set LOCAL_ISSUER=true, or get a token from your own issuer."
            )
        try:
            application = find_service(client)
            token = issue_access_token(application, scope, lifetime)
        except ApplicationError as error:
            raise CommandError(str(error)) from error
        except IssuerKeyError as error:
            raise CommandError(f"The embedded issuer {issuer} {error}.") from error
        self.stderr.write(f"Access token of {issuer} for {application.name}, good for {lifetime} seconds:")
        self.stdout.write(token)


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _LONGEST:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to {_LONGEST} (one year)")
    return int(text)
