"""Make the demo client once: an OAuth application that may call the time tool. Then it is administrators' to change."""

from allauth.idp.oidc.models import Client as OAuthApplication
from django.db import transaction

from authz_app.conf import conf, local_issuer_url
from authz_app.embedded_issuer.adapter import service_subject
from authz_app.embedded_issuer.applications import ensure_service
from authz_app.models import Client, Rule

NAME = "demo"
ALLOWED_TOOL = "TimeTool"
_TOKEN_SCOPES = ("tools:read", "tools:write")
# In the application's own data: the issuers (a change of PUBLIC_URL makes another) for which this was done.
_DONE = "demo_issuers"


@transaction.atomic
def ensure_demo() -> OAuthApplication | None:
    """The demo application, with its client and rule for the issuer as it is called now; None where it was deleted.

    What administrators have changed, blocked or deleted since the first time stays so.

    Raises:
        ApplicationError: another kind of application has its OAuth client ID.
    """
    application = OAuthApplication.objects.select_for_update().filter(pk=NAME).first()
    if application is None:
        application = OAuthApplication(pk=NAME)
        if Client.objects.filter(subject=service_subject(application)).exists():
            return None
        application, _ = ensure_service(NAME, _TOKEN_SCOPES)
        application.data = {_DONE: []}
    _allow_once(application, local_issuer_url(conf().public_url))
    return application


def _allow_once(application: OAuthApplication, issuer: str) -> None:
    # Without the mark, somebody else made the application.
    done = (application.data or {}).get(_DONE)
    if done is None or issuer in done:
        return
    application.data = {**(application.data or {}), _DONE: [*done, issuer]}
    application.save(update_fields=["data"])
    _allow(issuer, service_subject(application))


def _allow(issuer: str, subject: str) -> None:
    client, is_new = Client.objects.get_or_create(
        issuer=issuer, subject=subject, defaults={"name": NAME, "kind": Client.Kind.SERVICE}
    )
    if is_new:
        rule = Rule.objects.create(effect=Rule.Effect.ALLOW, tools=ALLOWED_TOOL, note="Made by manage.py demo.")
        rule.clients.add(client)
