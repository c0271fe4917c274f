"""The admin pages of applications that are registered at the embedded issuer."""

from typing import Any

import pytest
from allauth.idp.oidc.models import Client as OAuthApplication, Token
from django.test import Client as Browser

from tests.authz_app.pages.browsing import text

APPLICATIONS = "/admin/allauth_idp_oidc/client/"
pytestmark = pytest.mark.django_db


def test_an_oauth_application_is_called_so_and_its_secret_is_shown_once(admin_client: Browser) -> None:
    fields = {"id": "reports", "name": "Reports", "type": "confidential", "grant_types": "client_credentials"}
    page = text(admin_client.post(f"{APPLICATIONS}add/", {**fields, "response_types": "code"}, follow=True))
    assert "The OAuth application “" in page
    assert "The client secret, shown this once:" in page
    secret = page.split("<code>")[1].split("</code>")[0]
    assert secret not in text(admin_client.get(APPLICATIONS))
    change = text(admin_client.get(f"{APPLICATIONS}reports/change/"))
    assert secret not in change
    assert "pbkdf2" not in change
    assert "md5$" not in change


def self_registered(name: str = "Claude Code", **fields: Any) -> OAuthApplication:
    usual = {"grant_types": "authorization_code\nrefresh_token", "data": {"dcr": True}}
    application: OAuthApplication = OAuthApplication.objects.create(**{"pk": name, "name": name, **usual, **fields})
    return application


def test_what_registered_itself_is_told_from_what_administrators_registered(admin_client: Browser) -> None:
    self_registered()
    self_registered("https://app.example/me.json", data={"cimd": True})
    OAuthApplication.objects.create(pk="desk", name="Desk")
    for chosen, names in {
        "itself": {"Claude Code"},
        "document": {"https://app.example/me.json"},
        "here": {"Desk"},
    }.items():
        page = text(admin_client.get(f"{APPLICATIONS}?registered={chosen}"))
        assert {name for name in ("Claude Code", "https://app.example/me.json", "Desk") if f">{name}<" in page} == names
    assert "nobody has checked them" in text(admin_client.get(f"{APPLICATIONS}Claude Code/change/"))


def test_an_application_that_is_switched_off_gets_nothing_until_it_is_on_again(admin_client: Browser) -> None:
    application = self_registered()
    token = Token.objects.create(type=Token.Type.REFRESH_TOKEN, client=application, hash="0")
    chosen = {"_selected_action": [application.pk]}
    page = text(admin_client.post(APPLICATIONS, {"action": "switch_off", **chosen}, follow=True))
    assert "Now off: Claude Code. They get no further tokens." in page
    application.refresh_from_db()
    assert not application.get_grant_types()
    assert not Token.objects.filter(pk=token.pk).exists()
    assert admin_client.get(f"{APPLICATIONS}{application.pk}/change/").status_code == 200
    page = text(admin_client.post(APPLICATIONS, {"action": "switch_off", **chosen}, follow=True))
    assert "Nothing changed: already off." in page
    admin_client.post(APPLICATIONS, {"action": "switch_on", **chosen})
    application.refresh_from_db()
    assert application.get_grant_types() == ["authorization_code", "refresh_token"]
    assert application.data == {"dcr": True}


def test_what_an_application_calls_itself_is_shown_as_text(admin_client: Browser) -> None:
    self_registered("<script>\u202e", pk="hostile")
    for path in (APPLICATIONS, f"{APPLICATIONS}hostile/change/", f"{APPLICATIONS}hostile/delete/"):
        assert "<script>\\u202e" not in admin_client.get(path).content.decode()
    assert "\u202e" not in admin_client.get(APPLICATIONS).content.decode()
