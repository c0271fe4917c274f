"""A person outside the admin, in a real browser."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.idp.oidc.models import Client as OAuthApplication
from django.core.cache import cache
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from authz_app.models import User
from tests.browser.person_pages import sign_in_as_person
from tests.browser.person_rows import fill_for_person

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def site_as_it_calls_itself(settings: Settings, live_server: LiveServer) -> None:
    settings.PUBLIC_URL = live_server.url
    cache.clear()


@pytest.fixture
def dana(page: Page) -> Page:
    fill_for_person("dana", PASSWORD)
    sign_in_as_person(page, "dana", PASSWORD)
    return page


@pytest.fixture
def callback() -> Iterator[str]:
    """Where an application on this machine waits for the browser."""

    class Waiting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"the application has you back")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Waiting)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/callback"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("button", "answer"), [("Allow", "code="), ("Do not allow", "error=access_denied")])
def test_the_browser_goes_back_to_the_application(page: Page, callback: str, button: str, answer: str) -> None:
    """Under the page's own Content-Security-Policy, which a browser applies to redirects of forms too."""
    User.objects.create_user("dana", password=PASSWORD)
    OAuthApplication.objects.create(pk="x", name="Desk", type="public", redirect_uris=callback)
    challenge = {"code_challenge": "x" * 43, "code_challenge_method": "S256", "response_type": "code"}
    page.goto(f"/identity/o/authorize?{urlencode({'client_id': 'x', 'redirect_uri': callback, **challenge})}")
    page.get_by_label("Username").fill("dana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Desk")).to_be_visible()
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_text("the application has you back")).to_be_visible()
    assert answer in page.url


def test_what_is_to_be_pasted_is_copied_with_a_button(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/connect/")
    page.get_by_role("button", name="Copy").nth(1).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("claude mcp add --transport http ")


def test_a_person_finds_their_own_refusal(dana: Page) -> None:
    dana.get_by_role("link", name="Refused").first.click()
    expect(dana.get_by_role("heading", name="This call was refused")).to_be_visible()


def test_a_person_disconnects_an_application(dana: Page) -> None:
    dana.get_by_role("button", name="Disconnect").click()
    expect(dana.get_by_text("Disconnected.")).to_be_visible()
    expect(dana.get_by_role("button", name="Disconnect")).to_have_count(0)


def test_a_person_signs_out(dana: Page) -> None:
    dana.get_by_role("button", name="Sign out").click()
    expect(dana.get_by_role("link", name="Sign in").first).to_be_visible()


@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("path", ["/", "/connect/", "/me/", "/device", "/sign-out/"])
def test_no_page_is_wider_than_its_window(dana: Page, path: str, width: int) -> None:
    dana.set_viewport_size({"width": width, "height": 860})
    dana.goto(path)
    dana.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert dana.evaluate("document.documentElement.scrollWidth") <= width
