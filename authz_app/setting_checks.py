"""Check what the settings show to strangers, and what in `.env` may be a mistake."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from authz_app.core.private_files import others_can_reach
from authz_app.core.sqlite_file import sqlite_path
from authz_app.web_address import is_loopback


@register()
def check_debug(**_: Any) -> list[CheckMessage]:
    """authz.E007: pages of errors, which show settings and source, are for this machine alone."""
    if not settings.DEBUG or is_loopback(urlsplit(settings.PUBLIC_URL).hostname):
        return []
    return [
        Error(
            f"DEBUG is on, and PUBLIC_URL is {settings.PUBLIC_URL}: whoever makes a page fail would be shown source and"
            " settings.",
            hint="Set DEBUG=false. DEBUG is for a PUBLIC_URL on this machine, such as http://127.0.0.1:8000.",
            id="authz.E007",
        )
    ]


@register()
def check_plain_http(**_: Any) -> list[CheckMessage]:
    """authz.W006: what others reach is https, because a token that is read on the way can be used by the reader."""
    public = urlsplit(settings.PUBLIC_URL)
    if public.scheme == "https" or is_loopback(public.hostname):
        return []
    return [
        Warning(
            f"PUBLIC_URL is {settings.PUBLIC_URL}, which is plain http: tokens and passwords can be read on the way.",
            hint="Put a proxy with TLS in front (docs/deployment.md), and begin PUBLIC_URL with https://. Most MCP"
            " clients log nobody in over plain http.",
            id="authz.W006",
        )
    ]


@register()
def check_env_file(**_: Any) -> list[CheckMessage]:
    """authz.W007: what `.env` sets is a setting, and is set once."""
    hint = "docs/settings.md has all settings."
    return [Warning(doubt, hint=hint, id="authz.W007") for doubt in getattr(settings, "SETTING_DOUBTS", ())]


@register()
def check_private_files(**_: Any) -> list[CheckMessage]:
    """authz.W008: files with keys, passwords and records are read by their owner alone."""
    return [
        Warning(
            f"Others on this machine can read {path}, which holds {what}.",
            hint=f"Run: chmod 600 {path}",
            id="authz.W008",
        )
        for path, what in _private_files()
        if others_can_reach(path)
    ]


def _private_files() -> Iterator[tuple[Path, str]]:
    if (env_file := getattr(settings, "ENV_FILE", None)) is not None:
        yield Path(env_file), "passwords and the secret key"
    yield Path(settings.AUDIT_KEY_FILE), "the key that signs seals"
    yield Path(settings.DATA_DIR) / "issuer-key.pem", "the key that signs access tokens"
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        for ending in ("", "-wal"):
            yield Path(f"{sqlite_path(str(database['NAME']))}{ending}"), "clients, rules and records"
