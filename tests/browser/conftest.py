"""A browser for tests of pages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.browser.chromium import CHROMIUM, launch
from tests.conftest import need


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, gone again before other modules' tests run.

    Playwright's synchronous interface keeps an event loop running in this thread. Tests of coroutines could not start
    theirs beside it; and Django takes a test's queries for queries in a coroutine, which they are not.
    """
    need(f"Chromium ({CHROMIUM})", CHROMIUM.exists())
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright, launch(playwright) as browser:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield browser


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer) -> Iterator[Page]:
    """An empty page of a fresh browser on the live server. Errors in the page's scripts fail the test."""
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1400, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors
