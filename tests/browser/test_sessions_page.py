"""An administrator ends an MCP session, in a real browser."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from authz_app.models import User
from tests.browser.screenshots import sign_in
from tools_app.sessions.session import McpSessionState
from tools_app.worker.process import process_worker

SESSIONS = "/admin/tools_app/mcpsession/"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def open_session() -> Iterator[McpSessionState]:
    """A session of this process whose client, software and owner have the longest of names."""
    process_worker.cache_clear()
    session = McpSessionState(
        "k",
        ("https://issuer.example/" + "i" * 200, "s" * 255, "o" * 255),
        "w" * 64,
        time.time() + 3600,
        address="a" * 45,
        client_info={"name": "n" * 1_000, "version": "v" * 1_000},
    )
    # This thread has Playwright's event loop.
    opening = threading.Thread(target=lambda: asyncio.run(process_worker().sessions.open(session, 1)))
    opening.start()
    opening.join()
    yield session
    process_worker().stop()
    process_worker.cache_clear()


@pytest.fixture
def signed_in(page: Page) -> Page:
    User.objects.create_superuser("admin", password="a password")
    sign_in(page, "admin", "a password")
    return page


def test_a_session_is_chosen_and_ended(signed_in: Page, open_session: McpSessionState) -> None:
    page = signed_in
    page.get_by_role("link", name="Sessions").click()
    page.locator("input.action-select").check()
    page.locator("select[name=action]").select_option("End")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("Ended: MCP session of sss")).to_be_visible()
    expect(page.get_by_text("No open MCP sessions.")).to_be_visible()


@pytest.mark.parametrize("width", [420, 1400])
def test_long_names_do_not_make_the_page_wider_than_its_window(
    signed_in: Page, open_session: McpSessionState, width: int
) -> None:
    page = signed_in
    page.set_viewport_size({"width": width, "height": 860})
    page.goto(SESSIONS)
    expect(page.locator("#result_list tbody")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    table = page.locator("#result_list")
    assert table.evaluate("table => table.scrollWidth <= table.closest('[data-simplebar]').clientWidth")
