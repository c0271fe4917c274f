"""Decide who may grant which token scopes to an OAuth application of the embedded issuer.

A rule may ask for token scopes, so whoever could grant any scope to an application of their own could meet any rule
that is for every client. Therefore:

- An application may ask for the token scopes on its list, and whoever signs in may grant it those. Administrators keep
  the list. An application that registered itself has an empty one, whatever it asked to be registered with.
- To an application that registered itself, a person may also grant the token scopes that rules ask of this very
  person: those of allow rules that are switched on and name the person's client. So a client that was refused with
  `insufficient_scope` gets what it lacks, if an administrator has foreseen that for this person.
- The scopes of OpenID Connect that say who somebody is carry no right here, and anybody may grant them, unless a rule
  speaks of one of them; then it is like any other.

Scopes that were requested beyond that are left out of the grant, and the consent page says so.
"""

from collections.abc import Iterable
from typing import Any

from allauth.idp.oidc.models import Client as OAuthApplication

from authz_app.embedded_issuer.registration import registered_itself
from authz_app.embedded_issuer.subjects import client_of
from authz_app.models import Rule

IDENTITY_SCOPES = ("openid", "profile", "email", "offline_access")


def grantable(application: OAuthApplication, user: Any, requested: Iterable[str]) -> list[str]:
    """The requested scopes that this user may grant to this application, each once, in their order."""
    allowed = set(application.get_scopes()) | {scope for scope in IDENTITY_SCOPES if not _rules_speak_of(scope)}
    if registered_itself(application):
        allowed |= _required_of(user)
    return [scope for scope in dict.fromkeys(requested) if scope in allowed]


def _rules_speak_of(scope: str) -> bool:
    speaking = Rule.objects.filter(enabled=True, token_scopes__contains=scope).only("token_scopes")
    return any(scope in rule.scope_list for rule in speaking)


def _required_of(user: Any) -> set[str]:
    client = client_of(user)
    if client is None:
        return set()
    naming = client.rules.filter(enabled=True, effect=Rule.Effect.ALLOW, applies_to=Rule.AppliesTo.THESE_CLIENTS)
    return {scope for rule in naming for scope in rule.scope_list}
