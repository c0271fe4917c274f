"""Disable and enable OAuth applications, for administrators.

A disabled application has no grant type, so the authorization server gives it nothing, and its refresh tokens are gone.
Access tokens that it was given are good until they expire: who must be refused at once is blocked as a client.
"""

from allauth.idp.oidc.models import Client as OAuthApplication, Token
from django.db import transaction

_GRANTS = "switched_off_grants"


def is_enabled(application: OAuthApplication) -> bool:
    return bool(application.get_grant_types())


@transaction.atomic
def disable(application: OAuthApplication) -> None:
    """Give it nothing any more. Its own data remember what it could have."""
    application.data = {**(application.data or {}), _GRANTS: application.grant_types}
    application.grant_types = ""
    application.save(update_fields=["data", "grant_types"])
    Token.objects.filter(client=application, type=Token.Type.REFRESH_TOKEN).delete()


def enable(application: OAuthApplication) -> None:
    """Let it have again what it could have before."""
    remembered = dict(application.data or {})
    application.grant_types = remembered.pop(_GRANTS, "") or OAuthApplication.GrantType.AUTHORIZATION_CODE.value
    application.data = remembered
    application.save(update_fields=["data", "grant_types"])
