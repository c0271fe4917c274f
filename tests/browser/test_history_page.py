"""An administrator changes a rule and reads what became of it, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from authz_app.models import Client, Rule, User
from tests.browser.screenshots import sign_in
from tests.rows import make_client, make_rule

HISTORY = "/admin/authz_app/policyedit/"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signed_in(page: Page) -> Page:
    User.objects.create_superuser("ada", password="a password")
    sign_in(page, "ada", "a password")
    return page


def test_a_change_is_found_behind_the_rule_s_history_button(signed_in: Page) -> None:
    page = signed_in
    rule = make_rule(make_client("Demo"))
    page.goto(f"/admin/authz_app/rule/{rule.pk}/change/")
    page.get_by_label("Deny").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(f"/admin/authz_app/rule/{rule.pk}/change/")
    page.locator("a[href*='/history/']").locator("visible=true").first.click()
    newest = page.locator("#result_list tbody").first
    expect(newest).to_contain_text(f"Rule {rule.pk}: Allow Demo to call TimeTool. → Deny Demo to call TimeTool.")
    expect(newest).to_contain_text("ada")
    newest.locator("th a").click()
    expect(page.locator(".change .was").first).to_have_text("Was Allow Demo to call TimeTool.")
    page.get_by_role("link", name="Compare with the policy as it is now").click()
    expect(page.get_by_text("Nothing differs between the two.")).to_be_visible()
    page.get_by_label("Compare version").fill("1")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name=f"Rule {rule.pk} added")).to_be_visible()


@pytest.mark.parametrize("width", [420, 1400])
def test_long_names_do_not_make_a_page_wider_than_its_window(signed_in: Page, width: int) -> None:
    page = signed_in
    rule = make_rule(make_client("x" * 200), tools="y" * 128)
    Rule.objects.update(tools="z" * 128, token_scopes="s" * 300)
    Client.objects.update(status="blocked")
    page.set_viewport_size({"width": width, "height": 860})
    for path in (HISTORY, f"{HISTORY}?rule={rule.pk}", f"{HISTORY}compare/", f"{HISTORY}at/2/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto(f"{HISTORY}?rule={rule.pk}")
    page.locator("#result_list tbody th a").first.click()
    expect(page.locator(".change")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
