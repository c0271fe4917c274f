"""Check at the start what would make the site unsafe or unusable, and say what to do about it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.conf import AuthzConf, conf
from authz_app.issuers import IssuerConfigError
from authz_app.triggers import grants, install
from authz_app.web_address import AddressFault, is_loopback, is_secure_url, web_address

_MINIMUM_SECRET = 32
_OWN_PATHS = frozenset(
    {".well-known", "admin", "connect", "device", "identity", "mcp", "me", "messages", "r", "sign-in", "sign-out"}
    | {"sse", "static"}
)


@register()
def check_secret_key(**_: Any) -> list[CheckMessage]:
    """authz.E001: the secret key is one that nobody can guess, but with DEBUG on this machine."""
    if settings.DEBUG and is_loopback(urlsplit(settings.PUBLIC_URL).hostname):
        return []
    if len(settings.SECRET_KEY) >= _MINIMUM_SECRET and settings.SECRET_KEY != settings.INSECURE_SECRET_KEY:
        return []
    return [
        Error(
            "SECRET_KEY is missing, too short, or the one used for development.",
            hint="Set SECRET_KEY to 50 random characters, for example the output of "
            "`python -c 'import secrets; print(secrets.token_urlsafe(50))'`, and keep it secret.",
            id="authz.E001",
        )
    ]


@register()
def check_issuers(**_: Any) -> list[CheckMessage]:
    """authz.E002 to E005, W001, W005: an issuer is trusted, none over an unprotected connection, each for this site."""
    try:
        configuration = conf()
    except (IssuerConfigError, ValueError) as error:
        hint = "docs/settings.md explains TRUSTED_ISSUERS, TRUSTED_PROXIES and ALLOWED_ORIGINS."
        return [Error(str(error), hint=hint, id="authz.E002")]
    return [
        *_no_issuer(configuration),
        *_no_audience(configuration),
        *_insecure(configuration),
        *_other_site(configuration),
    ]


def _no_issuer(configuration: AuthzConf) -> list[CheckMessage]:
    if configuration.trusted_issuers or settings.DEBUG:
        return []
    return [
        Error(
            "No issuer is trusted, so nobody could call anything.",
            hint="Set AUTH0_DOMAIN and AUTH_AUDIENCE, or TRUSTED_ISSUERS, or LOCAL_ISSUER=true for the embedded one.",
            id="authz.E003",
        )
    ]


def _no_audience(configuration: AuthzConf) -> list[CheckMessage]:
    return [
        Error(
            f"The issuer {issuer.issuer} has no audience.",
            hint="Set AUTH_AUDIENCE to the identifier of your API at Auth0, exactly as it stands there.",
            id="authz.E004",
        )
        for issuer in configuration.trusted_issuers
        if not issuer.audiences and issuer.has_audience
    ]


def _insecure(configuration: AuthzConf) -> list[CheckMessage]:
    issuers = [issuer for issuer in configuration.trusted_issuers if not issuer.embedded]
    found = [
        *(_address(issuer.issuer, f"The issuer {issuer.issuer}") for issuer in issuers),
        *(_address(issuer.jwks_uri, f"The jwks_uri of {issuer.issuer}") for issuer in issuers if issuer.jwks_uri),
        *(_spelling(issuer.issuer) for issuer in issuers),
    ]
    return [message for message in found if message is not None]


def _address(url: str, named: str) -> CheckMessage | None:
    hint = "Use the https address of the issuer. Plain http is accepted for this machine only."
    try:
        web_address(url)
    except AddressFault as fault:
        return Error(f"{named} {fault}.", hint=hint, id="authz.E005")
    if is_secure_url(url):
        return None
    return Error(f"{url} is not https, so anybody on the way could forge its keys.", hint=hint, id="authz.E005")


def _spelling(issuer: str) -> CheckMessage | None:
    """What is odd about an issuer. It is used as it is written all the same: it may be what stands in its tokens."""
    hint = "Copy it from the issuer: it is compared with what stands in its tokens, letter by letter."
    with suppress(AddressFault):  # Said already.
        if (usual := web_address(issuer)._replace(query="").url) != issuer:
            return Warning(f"The issuer {issuer} would usually be written {usual}.", hint=hint, id="authz.W005")
    return None


def _other_site(configuration: AuthzConf) -> list[CheckMessage]:
    return [
        Warning(
            f"The issuer {issuer.issuer} is trusted for the audience {urls[0]}, which is no address of this site:"
            f" PUBLIC_URL is {configuration.public_url}.",
            hint="Clients that log people in ask for a token for the URL that they connect to, which would be refused."
            f" Add {configuration.public_url}/mcp to the audiences here and at the issuer, or set PUBLIC_URL to the"
            " address that clients use. Where all clients are given tokens for that audience, all is well.",
            id="authz.W001",
        )
        for issuer in configuration.trusted_issuers
        if (urls := [audience for audience in issuer.audiences if audience.startswith(("https://", "http://"))])
        and not {*issuer.audiences} & {*configuration.resource_identifiers}
    ]


@register()
def check_path(**_: Any) -> list[CheckMessage]:
    """authz.E010: the path of PUBLIC_URL is none of the site's own: or nobody could tell whose is meant."""
    first = (settings.FORCE_SCRIPT_NAME or "").strip("/").partition("/")[0]
    if first not in _OWN_PATHS:
        return []
    return [
        Error(
            f"The path of PUBLIC_URL begins with /{first}, where this site has pages or endpoints of its own.",
            hint="Choose another path, or a host name of its own: docs/deployment.md, Below a path. Where /mcp and /sse"
            " are is not for PUBLIC_URL to say.",
            id="authz.E010",
        )
    ]


@register(Tags.database)
def check_history_guard(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """authz.W002: the triggers that keep the policy history as it was written are in the database."""
    return [
        Warning(
            "Rows of the policy history can be edited and deleted: the database lacks the triggers that refuse it.",
            hint="Run `manage.py migrate`: it installs them.",
            id="authz.W002",
        )
        for alias in databases or ()
        if _answer(install.missing_history_triggers, alias)
    ]


@register(Tags.database)
def check_evidence_guard(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """authz.W003: the triggers that keep final records as they were written are in the database."""
    return [
        Warning(
            "Call records can be edited and deleted: the database lacks the triggers that refuse it.",
            hint="Run `manage.py migrate`: it installs them. Seals tell what was changed meanwhile.",
            id="authz.W003",
        )
        for alias in databases or ()
        if _answer(install.missing_record_triggers, alias)
    ]


@register(Tags.database)
def check_roles(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """authz.W004: on PostgreSQL, the role that serves does not own the tables of the records."""
    return [
        Warning(
            f"The database role {role} serves, and owns the call records too: whoever has it can take the triggers away"
            " that keep them as they were written.",
            hint="Let another role own them: docs/evidence.md, Two roles. Seals tell all the same what was changed.",
            id="authz.W004",
        )
        for alias in databases or ()
        if not settings.AS_OWNER
        for role in _answer(grants.serving_owner, alias)
    ]


def _answer(question: Callable[[BaseDatabaseWrapper], list[str]], alias: str) -> list[str]:
    try:
        return question(connections[alias])
    except DatabaseError:
        return []  # Whoever runs the checks meets the broken database first, and names it better.


@register(Tags.database)
def check_triggers(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """authz.E006: the triggers that move the policy version are in the database."""
    return [
        Error(
            f"The database lacks {len(missing)} of the triggers that make revocation exact: {missing[0]}, ...",
            hint="Run `manage.py migrate`: it installs them.",
            id="authz.E006",
        )
        for alias in databases or ()
        if (missing := _answer(install.missing_policy_triggers, alias))
    ]
