"""Take pictures of a running site's pages, wide and narrow, light and dark.

`python -m tests.browser.screenshots OUTDIR [--url URL] [--user U --password P] [--only NAMES]`; ``tests.browser.demo``
makes rows to show. With `--token TOKEN`, which may be repeated, MCP sessions are open meanwhile.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import launch
from tests.browser.demo import ADMIN, PASSWORD, PERSON
from tests.browser.person_pages import STRANGER, person_pages, sign_in_as_person
from tests.browser.streams import open_streams

_SIZES = {"wide": {"width": 1400, "height": 900}, "narrow": {"width": 390, "height": 844}}
_FIRST, _LAST = "#result_list tbody th a >> nth=0", "#result_list tbody th a >> nth=-1"
# Name: path, and what is clicked there, one after the other.
_PAGES: dict[str, tuple[str, ...]] = {
    "admin-index": ("/admin/",),
    "clients": ("/admin/authz_app/client/",),
    "clients-filters": ("/admin/authz_app/client/", "text=Filters"),
    "client": ("/admin/authz_app/client/?q=Report", _FIRST),
    "client-add": ("/admin/authz_app/client/add/",),
    "client-kept": ("/admin/authz_app/client/?status__exact=blocked", _FIRST, "text=Delete client"),
    "client-delete": ("/admin/authz_app/client/?status__exact=pending", _FIRST, "text=Delete client"),
    "rules": ("/admin/authz_app/rule/",),
    "rule": ("/admin/authz_app/rule/", _FIRST),
    "rule-every-client": ("/admin/authz_app/rule/?applies_to__exact=every", _FIRST),
    "rule-conditions": ("/admin/authz_app/rule/?q=query", _FIRST),
    "rule-limit": ("/admin/authz_app/rule/?effect__exact=limit", _FIRST),
    "rules-filters": ("/admin/authz_app/rule/", "text=Filters"),
    "rule-add": ("/admin/authz_app/rule/add/",),
    "rule-errors": ("/admin/authz_app/rule/add/", "input[name=effect][value=limit]", "[name=_save]"),
    "rules-empty": ("/admin/authz_app/rule/?q=nothing-like-it",),
    "rule-delete": ("/admin/authz_app/rule/?effect__exact=deny", _FIRST, "text=Delete rule"),
    "explain": ("/admin/explain/",),
    "explain-record": ("/admin/authz_app/callrecord/?decision=denied", _FIRST, "text=Every rule that concerned it"),
    "explain-answer": (
        "/admin/authz_app/callrecord/?reason=scope_missing",
        _LAST,
        "text=Every rule that concerned it",
        "text=Ask the same of the policy",
        ".explain-button",
    ),
    "explain-errors": ("/admin/explain/", ".explain-button"),
    "tools": ("/admin/tools_app/tool/",),
    "tool": ("/admin/tools_app/tool/", _FIRST),
    "tool-recorded": ("/admin/tools_app/tool/?q=tickets_search", _FIRST),
    "records": ("/admin/authz_app/callrecord/",),
    "records-filters": ("/admin/authz_app/callrecord/", "text=Filters"),
    "records-empty": ("/admin/authz_app/callrecord/?tool=nothing",),
    "records-search": ("/admin/authz_app/callrecord/?q=client:report decision:denied since:2d", "text=What can be"),
    "records-unclear": ("/admin/authz_app/callrecord/?q=clint:report since:tomorrow",),
    "record": ("/admin/authz_app/callrecord/?outcome=timed_out", _FIRST),
    "record-allowed": ("/admin/authz_app/callrecord/?q=client:report outcome:ok", _FIRST),
    "record-look": ("/admin/authz_app/callrecord/?q=tool:tickets_search outcome:ok", _FIRST, "text=Show what was"),
    "record-metadata": ("/admin/authz_app/callrecord/?q=tool:tickets_close", _FIRST),
    "explain-look": (
        "/admin/authz_app/callrecord/?q=tool:tickets_search outcome:ok",
        _FIRST,
        "text=Every rule that concerned it",
        "text=Show what was",
    ),
    "record-crashed": ("/admin/authz_app/callrecord/?outcome=crashed", _FIRST),
    "records-denied": ("/admin/authz_app/callrecord/?decision=denied",),
    "refusals": ("/admin/refusals/",),
    "refusals-allow": ("/admin/refusals/", "text=Allow…"),
    "refusal": ("/admin/authz_app/callrecord/?decision=denied", _FIRST),
    "refusal-hostile": ("/admin/authz_app/callrecord/?q=tool:*script*", _FIRST),
    "stop": ("/admin/stop/",),
    "sessions": ("/admin/tools_app/mcpsession/",),
    "history": ("/admin/authz_app/policyedit/",),
    "history-filters": ("/admin/authz_app/policyedit/", "text=Filters"),
    "history-empty": ("/admin/authz_app/policyedit/?q=nobody-of-that-name",),
    "history-of-a-rule": ("/admin/authz_app/policyedit/?rule=1",),
    "version": ("/admin/authz_app/policyedit/?rule=1&who=user:dana", _LAST),
    "version-added": ("/admin/authz_app/policyedit/?q=add_rule", _FIRST),
    "version-of-a-client": ("/admin/authz_app/policyedit/?q=Scraper", _FIRST),
    "version-unknown": ("/admin/authz_app/policyedit/version/999999/",),
    "versions-compared": ("/admin/authz_app/policyedit/compare/?from=1",),
    "policy-then": ("/admin/authz_app/policyedit/at/20/",),
    "events": ("/admin/authz_app/auditevent/",),
    "events-filters": ("/admin/authz_app/auditevent/", "text=Filters"),
    "event": ("/admin/authz_app/auditevent/?kind=session_closed", _FIRST),
    "event-of-tokens": ("/admin/authz_app/auditevent/?kind=tokens_refused", _FIRST),
    "seals": ("/admin/authz_app/auditseal/",),
    "seal": ("/admin/authz_app/auditseal/1/change/",),
    "sessions-chosen": ("/admin/tools_app/mcpsession/", "input.action-select >> nth=0"),
    "oauth-applications": ("/admin/allauth_idp_oidc/client/",),
    "oauth-application-add": ("/admin/allauth_idp_oidc/client/add/",),
    "users": ("/admin/authz_app/user/",),
    "no-record": ("/r/nonsense",),
}
_TALLEST = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--user", default=ADMIN)
    parser.add_argument("--password", default=PASSWORD)
    parser.add_argument("--token", action="append", default=[], help="an access token to open an MCP session with")
    parser.add_argument("--only", help="names of pages, separated by commas")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    only = options.only.split(",") if options.only else []
    url = options.url.rstrip("/")

    def picture(page: Page, look: str, pages: dict[str, tuple[str, ...]]) -> None:
        for name in pages:
            if not only or name in only:
                visit(page, *pages[name])
                take(page, options.directory / f"{name}-{look}.png")

    with open_streams(url, options.token), sync_playwright() as playwright, launch(playwright) as browser:
        for look, page in _looks(browser, url):
            picture(page, look, {"login": ("/admin/login/",), **STRANGER})
            sign_in(page, options.user, options.password)
            picture(page, look, _PAGES)
            page.context.clear_cookies()
            sign_in_as_person(page, PERSON, options.password)
            picture(page, look, person_pages(url))


def _looks(browser: Browser, url: str) -> Iterator[tuple[str, Page]]:
    for size, viewport in _SIZES.items():
        for theme in ("light", "dark"):
            context = browser.new_context(base_url=url, viewport=viewport, color_scheme=theme)
            yield f"{size}-{theme}", context.new_page()
            context.close()


def take(page: Page, path: Path) -> None:
    """Take the page as it looks in a window that is as high as it is, within reason."""
    size = page.viewport_size
    assert size is not None
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({**size, "height": max(size["height"], min(height, _TALLEST))})
    page.screenshot(path=path)
    page.set_viewport_size(size)


def sign_in(page: Page, user: str, password: str) -> None:
    page.goto("/admin/login/?next=/admin/")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


def visit(page: Page, path: str, *clicks: str) -> None:
    page.goto(path, wait_until="networkidle")
    for selector in clicks:
        page.locator(selector).locator("visible=true").first.click()
        page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    main()
