"""An administrator searches call records, filters what was found, and follows a session, in a real browser."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from authz_app.models import CallRecord, User
from tests.browser.screenshots import sign_in
from tests.rows import build_record, build_refusal, make_client

RECORDS = "/admin/authz_app/callrecord/"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def records_page(page: Page) -> Page:
    """The list of three allowed calls and one that was refused, by somebody who may see all."""
    User.objects.create_superuser("ada", password="a password")
    caller = make_client("Report agent")
    records = [build_record(caller, number * timedelta(minutes=1), tool=f"tool_{number}") for number in range(3)]
    CallRecord.objects.bulk_create([*records, build_refusal(caller, timedelta(hours=1), tool="tool_0")])
    sign_in(page, "ada", "a password")
    page.goto(RECORDS)
    return page


def search(page: Page, text: str) -> None:
    page.locator("#searchbar").fill(text)
    page.locator("#searchbar").press("Enter")


def test_a_search_and_a_filter_hold_together_and_the_address_has_both(records_page: Page) -> None:
    page = records_page
    rows = page.locator("#result_list tbody tr")
    page.get_by_text("What can be searched for").click()
    expect(page.get_by_text("tool:weather_*", exact=True)).to_be_visible()
    search(page, "tool:tool_0,tool_1 since:1d")
    expect(rows).to_have_count(3)
    page.locator("text=Filters").locator("visible=true").first.click()
    page.locator("#changelist-filter select[name=decision]").select_option("denied", force=True)
    page.get_by_role("button", name="Apply Filters").click()
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?(?=.*q=tool)(?=.*decision=denied)"))
    expect(page.locator("#searchbar")).to_have_value("tool:tool_0,tool_1 since:1d")
    page.reload()
    expect(rows).to_have_count(1)
    search(page, "tool:tool_1")
    expect(page.get_by_text("Nothing matches this search and these filters.")).to_be_visible()


def test_a_search_that_means_nothing_says_what_to_do(records_page: Page) -> None:
    search(records_page, "decision:maybe")
    expect(records_page.get_by_role("alert")).to_contain_text("decision: is one of allowed, denied; not “maybe”.")
    expect(records_page.locator("#result_list tbody tr")).to_have_count(0)


def test_from_a_record_one_steps_through_its_session(records_page: Page) -> None:
    page = records_page
    page.locator("#result_list tbody th a").first.click()
    of_the_session = page.get_by_role("listitem").filter(has_text="tool_1")
    expect(of_the_session).to_have_count(2)  # as the client's calls have it, too
    of_the_session.last.get_by_role("link").click()
    expect(page.get_by_text("Report agent called tool_1, which was allowed.")).to_be_visible()
