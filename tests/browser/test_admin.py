"""An administrator at work, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from authz_app.models import CallRecord, Rule, User
from tests.browser.screenshots import sign_in
from tests.rows import build_record, build_refusal, make_client
from tools_app.models import Tool

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signed_in(page: Page) -> Page:
    User.objects.create_superuser("admin", password="a password")
    sign_in(page, "admin", "a password")
    return page


def test_a_rule_reads_as_a_sentence_while_it_is_made(signed_in: Page) -> None:
    page = signed_in
    make_client("Report agent")
    Tool.objects.update_or_create(name="TimeTool", defaults={"module": "x", "gone": False})
    page.get_by_role("link", name="Rules").click()
    page.get_by_role("link", name=re.compile("Add")).first.click()
    sentence = page.locator("[data-sentence]")
    expect(sentence).to_have_text("Allow nobody: no client is named.")

    page.locator(".field-for_clients .select2-selection").click()
    page.locator(".select2-search__field").first.press_sequentially("Rep")
    page.get_by_role("option", name="Report agent").click()
    expect(sentence).to_have_text("Allow nothing: no tool is named.")
    page.get_by_label("Names").fill("TimeTool")
    expect(sentence).to_have_text("Allow Report agent to call TimeTool.")
    page.get_by_label("Token scopes").fill("time")
    page.get_by_label("Deny").check()
    expect(sentence).to_have_text("Deny Report agent to call TimeTool, with the token scope time.")
    page.get_by_label("Names").fill("Time Tool")
    expect(sentence).to_have_text("This cannot be saved yet.")
    expect(page.locator("[data-warnings]")).to_contain_text("Time Tool is no name")
    page.get_by_label("Names").fill("TimeTool\nweathr_*")
    expect(page.locator("[data-warnings]")).to_have_text("weathr_* matches no registered tool.")

    page.get_by_role("button", name="Save", exact=True).click()
    shown = page.get_by_role("link", name="Deny Report agent to call TimeTool and weathr_*, with the token scope time.")
    expect(shown).to_be_visible()
    assert Rule.objects.get().clients.get().name == "Report agent"


def test_an_allow_rule_with_token_scopes_may_be_listed_without_them(signed_in: Page) -> None:
    page = signed_in
    page.goto("/admin/authz_app/rule/add/")
    listed = page.locator(".field-listed_without_scopes")
    expect(listed).to_be_hidden()
    page.get_by_label("Every client").check()
    page.get_by_label("Names").fill("TimeTool")
    page.get_by_label("Token scopes").fill("time")
    expect(listed).to_be_visible()
    page.get_by_label("Listed without the scopes").check()
    expect(page.locator("[data-sentence]")).to_have_text(
        "Allow every client to call TimeTool, with the token scope time; listed also to those who lack only the scope."
    )
    page.get_by_label("Deny").check()
    expect(listed).to_be_hidden()
    page.get_by_label("Allow").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("listed also to those who lack only the scope"))).to_be_visible()
    assert Rule.objects.get().listed_without_scopes


def test_a_rule_for_every_client_asks_for_no_clients(signed_in: Page) -> None:
    page = signed_in
    page.goto("/admin/authz_app/rule/add/")
    clients = page.locator(".field-for_clients")
    expect(clients).to_be_visible()
    page.get_by_label("Every client").check()
    expect(clients).to_be_hidden()
    page.get_by_label("Names").fill("*")
    expect(page.locator("[data-sentence]")).to_have_text("Allow every client to call every tool.")


def test_conditions_and_limits_are_made_row_by_row(signed_in: Page) -> None:
    page = signed_in
    page.goto("/admin/authz_app/rule/add/")
    sentence, rows = page.locator("[data-sentence]"), page.locator("[data-condition]")
    page.get_by_label("Every client").check()
    page.get_by_label("Names").fill("*")
    expect(page.locator(".field-limit_calls")).to_be_hidden()
    page.get_by_label("Limit", exact=True).check()
    page.get_by_label("Calls").fill("100")
    page.locator("#id_limit_period").select_option("hour")
    rows.nth(0).get_by_role("textbox").nth(0).fill("arguments.city")
    rows.nth(0).get_by_role("textbox").nth(1).fill("Paris")
    said = "Limit every client to 100 calls of any tool an hour, if "
    expect(sentence).to_have_text(f'{said}arguments.city equals "Paris", or if that is unknown.')

    page.get_by_role("button", name="Add a condition").click()
    rows.nth(1).get_by_role("textbox").nth(0).fill("claims.org")
    rows.nth(1).get_by_role("combobox").select_option("absent")
    expect(rows.nth(1).get_by_role("textbox")).to_have_count(1)
    expect(sentence).to_contain_text('equals "Paris" and claims.org is not there')
    rows.nth(0).get_by_role("button", name="Remove").click()
    expect(sentence).to_have_text(f"{said}claims.org is not there.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name=f"{said}claims.org is not there.")).to_be_visible()


def test_a_refused_call_is_found_from_the_start_page(signed_in: Page) -> None:
    page = signed_in
    caller = make_client("Report agent")
    CallRecord.objects.bulk_create([build_record(caller), build_refusal(caller, tool="<img src=x onerror=fail()>")])
    page.goto("/admin/")
    page.locator(".refusals a").click()
    expect(page.get_by_text("asked to call <img src=x onerror=fail()> and was refused.")).to_be_visible()
    reason = "No rule allows this client to call this tool, so it was denied."
    expect(page.get_by_text(reason, exact=True)).to_be_visible()
    page.get_by_role("link", name="All calls", exact=True).click()
    expect(page.locator("#result_list tbody")).to_have_count(2)


def test_records_are_filtered_by_choosing(signed_in: Page) -> None:
    page = signed_in
    caller = make_client("Report agent")
    CallRecord.objects.bulk_create([build_record(caller), build_refusal(caller, tool="weather_tool")])
    page.goto("/admin/authz_app/callrecord/")
    page.locator("a", has_text="Filters").click()
    page.get_by_label("By decision").select_option("Denied")
    page.get_by_role("button", name="Apply Filters").click()
    expect(page.locator("#result_list tbody")).to_have_count(1)
    expect(page.locator("#result_list")).to_contain_text("weather_tool")


def test_what_was_refused_is_allowed_from_the_list_of_refusals(signed_in: Page) -> None:
    page = signed_in
    Tool.objects.update_or_create(name="TimeTool", defaults={"module": "x", "gone": False})
    build_refusal(make_client("Report agent")).save()
    page.goto("/admin/refusals/")
    page.get_by_role("link", name="Allow…").click()
    expect(page.locator(".rule-sentence")).to_have_text("Allow Report agent to call TimeTool.")
    page.get_by_label("Eight hours").check()
    page.get_by_label("Why").fill("Agreed with Dana.")
    page.get_by_role("button", name="Allow it").click()
    expect(page.get_by_text("Allow Report agent to call TimeTool, until")).to_be_visible()
    expect(page.locator(".refusals")).to_contain_text("A rule allows it by now.")


def test_all_calls_are_stopped_and_let_go_on_from_the_start_page(signed_in: Page) -> None:
    page = signed_in
    page.get_by_role("link", name="Stop all calls…").click()
    page.get_by_label("Why").fill("A drill.")
    page.get_by_role("button", name="Stop all calls").click()
    banner = page.get_by_role("alert")
    expect(banner).to_contain_text("All calls are stopped by admin since")
    expect(page.get_by_role("link", name="Stop all calls…")).to_be_hidden()
    page.get_by_role("link", name="Rules").click()
    expect(page.locator("#result_list")).to_contain_text("Deny every client to use every tool, resource and prompt.")
    banner.get_by_role("button", name="Let calls go on").click()
    expect(page.get_by_text("Calls go on: from the next one")).to_be_visible()
    expect(banner).to_have_count(0)


@pytest.mark.parametrize("width", [420, 1400])
@pytest.mark.parametrize(
    "path", ["/", "/admin/", "/admin/authz_app/callrecord/", "/admin/authz_app/rule/add/", "/admin/refusals/"]
)
def test_no_page_is_wider_than_its_window(signed_in: Page, path: str, width: int) -> None:
    page = signed_in
    build_refusal(make_client("x" * 200), tool="y" * 128).save()
    page.set_viewport_size({"width": width, "height": 860})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
