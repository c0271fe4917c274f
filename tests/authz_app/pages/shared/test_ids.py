"""Whatever ids a browser sends, no page of the admin breaks on them."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client as Browser

from authz_app.models import Client, Rule, User

pytestmark = [pytest.mark.django_db, pytest.mark.database]
NO_IDS = ["", "0x1", "9" * 30, "9223372036854775808", "1e9", "\x00", "\u202e", "' OR 1=1--", "[]", "1,2", "²"]
LISTS = ["authz_app/rule", "authz_app/client", "authz_app/policyedit", "tools_app/tool", "authz_app/user", "auth/group"]


@pytest.fixture
def browser(client: Browser) -> Browser:
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.mark.parametrize("sent", NO_IDS)
@pytest.mark.parametrize("page", LISTS)
def test_an_action_on_what_no_row_could_be_is_an_action_on_nothing(browser: Browser, page: str, sent: str) -> None:
    for action in ("switch_off", "make_active", "delete_selected"):
        posted = {"action": action, "_selected_action": [sent], "index": "0"}
        response = browser.post(f"/admin/{page}/", posted)
        assert response.status_code in (200, 302, 403)
    assert browser.get(f"/admin/{page}/", {"id__in": sent}).status_code in (200, 302, 400)


def test_an_action_is_done_on_the_rows_that_are_meant(browser: Browser) -> None:
    rule = Rule.objects.create(tools="echo")
    posted = {"action": "switch_off", "_selected_action": ["nonsense", str(rule.pk)], "index": "0"}
    response = browser.post("/admin/authz_app/rule/", posted)
    assert not Rule.objects.get().enabled
    assert "Now off" in " ".join(map(str, get_messages(response.wsgi_request)))


@pytest.mark.parametrize("sent", NO_IDS)
def test_no_client_that_could_not_be_is_a_choice(browser: Browser, sent: str) -> None:
    ada = Client.objects.create(issuer="https://issuer.example/", subject="ada")
    posted = {"effect": "allow", "applies_to": "these", "kind": "tool", "tools": "echo", "for_clients": [ada.pk, sent]}
    response = browser.post("/admin/authz_app/rule/add/", posted)
    assert response.status_code == 200
    assert not Rule.objects.exists()
    assert browser.post("/admin/authz_app/rule/sentence/", posted).json()["warnings"]
    assert browser.get("/admin/explain/", {"client": sent}).status_code == 200


def test_no_address_fills_in_a_rule(browser: Browser) -> None:
    sent = {"for_clients": "1e9", "valid_from": "soon", "tools": "proposed_by_a_link", "applies_to": "every"}
    response = browser.get("/admin/authz_app/rule/add/", sent)
    assert response.status_code == 200
    assert "proposed_by_a_link" not in response.content.decode()
