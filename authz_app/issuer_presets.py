"""Names what well-known authorization servers call the claims of their access tokens. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """Which claims of an issuer's access tokens stand for what.

    ``client_id_claims`` name the OAuth client ID, the first that is there. ``scope_claims`` are token scopes beside
    ``scope`` and ``scp``. Where tokens need not have an ``aud``, their ``client_id`` and ``token_use`` stand for it.
    """

    client_id_claims: tuple[str, ...] = ("client_id", "azp")
    scope_claims: tuple[str, ...] = ()
    has_audience: bool = True


# RFC 9068 section 2.2 and OpenID Connect Core section 2: what an issuer of no preset calls them.
STANDARD = Preset()
PRESETS = {
    "auth0": Preset(("azp", "client_id")),
    # No `aud`, unless the client asked for a resource (RFC 8707).
    "cognito": Preset(("client_id",), has_audience=False),
    # Microsoft Entra ID, by the version of the token: login.microsoftonline.com/TENANT/v2.0 issues version 2,
    # sts.windows.net/TENANT/ version 1. App roles are all that the token of an application has.
    "entra": Preset(("azp",), ("roles",)),
    "entra-v1": Preset(("appid",), ("roles",)),
    "keycloak": Preset(("azp", "client_id")),
    "okta": Preset(("cid",)),
}
