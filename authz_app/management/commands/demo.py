"""`manage.py demo` makes an administrator and a demo client on first use, and prints how to get in and what to try."""

import os
import secrets
import shlex
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from authz_app.conf import conf, local_issuer_url
from authz_app.embedded_issuer import demo
from authz_app.embedded_issuer.adapter import service_subject
from authz_app.embedded_issuer.applications import ApplicationError, issue_access_token
from authz_app.models import Client, User
from authz_app.tokens.signing_key import IssuerKeyError

ADMINISTRATOR = "admin"
_TIME_CALL = "call TimeTool input_timezone=Asia/Kolkata"
_WEATHER_CALL = "call weather_tool location=Bengaluru"


class Command(BaseCommand):
    help = "Make demo data on first use, and print how to sign in and how to call a tool."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--force-password-reset", action="store_true", help="give admin a new password and print it"
        )

    def handle(self, *args: Any, force_password_reset: bool, **options: Any) -> None:
        sign_in = _reset_password() if force_password_reset else _ensure_administrator()
        url = conf().public_url
        lines = [
            f"  Admin     {url}/admin/",
            f"  Sign in   {sign_in}",
            f"  MCP       {url}/mcp, and {url}/sse for HTTP+SSE",
            f"  Connect   {url}/connect/ has what to paste into Claude, Cursor, VS Code and others",
        ]
        self.stdout.write("\n".join(["", *lines, "", *_to_try(), ""]))


def _to_try() -> list[str]:
    if not conf().local_issuer:
        return [
            "  The embedded issuer is off (LOCAL_ISSUER), so there is no demo client: use tokens of your own issuer."
        ]
    try:
        application = demo.ensure_demo()
        if application is None:
            return [
                "  The OAuth application demo was deleted, and stays so until its client and rules are deleted too."
            ]
        token = issue_access_token(application, (), settings.IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN)
    except ApplicationError as error:
        return [f"  {error}"]
    except IssuerKeyError as error:
        raise CommandError(f"The embedded issuer {local_issuer_url(conf().public_url)} {error}.") from error
    return [*_note_on(service_subject(application)), *_commands(token)]


def _note_on(subject: str) -> list[str]:
    """A note that calls will be refused, where an administrator has blocked the client."""
    client = Client.objects.filter(issuer=local_issuer_url(conf().public_url), subject=subject).first()
    if client is None or client.status == Client.Status.ACTIVE:
        return []
    return [f"  The demo client is {client.status} now, so every call is refused.", ""]


def _commands(token: str) -> list[str]:
    url = conf().public_url
    manage = f"{_from_here(sys.executable)} {_from_here(settings.BASE_DIR / 'manage.py')}"
    call = f"{manage} mcp_client {shlex.quote(f'{url}/mcp')} --token"
    # Named, because the second terminal may not have the PORT that this one has.
    fresh_token = f"$(PUBLIC_URL={shlex.quote(url)} {manage} access_token)"
    return [
        "  Call a tool, from a second terminal:",
        "",
        f"{call} {token} {_TIME_CALL}",
        "",
        "  Call one that no rule allows, with a fresh token:",
        "",
        f"{call} {fresh_token} {_WEATHER_CALL}",
    ]


def _from_here(path: str | Path) -> str:
    return shlex.quote(os.path.relpath(path))


def _ensure_administrator() -> str:
    """Say who signs in, and with what; make the first administrator where there is none."""
    if User.objects.filter(username=ADMINISTRATOR).exists():
        return (
            f"{ADMINISTRATOR} (password was printed on the first run;"
            f" `manage.py changepassword {ADMINISTRATOR}` sets a new one)"
        )
    if User.objects.filter(is_superuser=True).exists():
        return "with your own account (`manage.py createsuperuser` makes another)"
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser(ADMINISTRATOR, password=password)
    return _shown_once(password)


def _reset_password() -> str:
    administrator = User.objects.filter(username=ADMINISTRATOR).first()
    if administrator is None:
        raise CommandError(f"There is no user {ADMINISTRATOR}. Run manage.py demo without --force-password-reset.")
    password = secrets.token_urlsafe(12)
    administrator.set_password(password)
    administrator.save(update_fields=["password"])
    return _shown_once(password)


def _shown_once(password: str) -> str:
    return f"{ADMINISTRATOR}, password {password} (shown this once)"
