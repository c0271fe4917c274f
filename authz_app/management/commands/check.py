"""Checks the site, and asks each issuer for its keys: `manage.py check`."""

from typing import Any

from django.core import checks
from django.core.checks.registry import registry
from django.core.management.commands import check

from authz_app.conf import conf
from authz_app.issuers import IssuerConfigError, TrustedIssuer
from authz_app.tokens.jwks import remote_keys
from authz_app.tokens.key_set import IssuerMisfit, KeySetError, parse_key_set


class Command(check.Command):
    help = "Check the site, and that each issuer's keys can be read."

    def handle(self, *args: Any, **options: Any) -> None:
        # Registered for this command alone: no other one should wait for an issuer that is away.
        registry.register(check_keys)
        try:
            super().handle(*args, **options)
        finally:
            registry.registered_checks.discard(check_keys)


def check_keys(**_: Any) -> list[checks.CheckMessage]:
    """authz.E009 and W009: the keys of each issuer can be read."""
    try:
        issuers = conf().trusted_issuers
    except (IssuerConfigError, ValueError):
        return []  # authz.E002 says it.
    return [found for issuer in issuers if not issuer.embedded for found in _problems(issuer)]


def _problems(issuer: TrustedIssuer) -> list[checks.CheckMessage]:
    try:
        parse_key_set(remote_keys(issuer), issuer.algorithms)
    except IssuerMisfit as error:
        return [checks.Error(f"The issuer {issuer.issuer} {error}.", hint=_OPTIONS, id="authz.E009")]
    except KeySetError as error:
        return [checks.Warning(f"The issuer {issuer.issuer} {error}.", hint=_AWAY, id="authz.W009")]
    return []


_OPTIONS = "docs/settings.md, Issuers, has the options of TRUSTED_ISSUERS."
_AWAY = "Tokens of an issuer whose keys were never read are answered with 503. Look at it, and at the way to it."
