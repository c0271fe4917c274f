"""The admin pages that stop all calls, and the banner while they are stopped.

Covers: authz_app.templatetags.emergency_stop
"""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser

from authz_app.models import Rule, User
from authz_app.policy_store import emergency_stop
from tests.authz_app.test_admin import staff, text
from tests.rows import build_refusal, make_client, make_rule

STOP, UNDO = "/admin/stop/", "/admin/stop/undo/"
WHY = "Something <b>odd</b>."
BANNER = "All calls are stopped"

pytestmark = pytest.mark.django_db


def test_stopping_asks_for_a_reason(admin_client: Browser) -> None:
    assert "Stop all calls" in text(admin_client.get(STOP))
    page = text(admin_client.post(STOP, {"why": "  "}))
    assert "This field is required." in page
    assert not Rule.objects.exists()


def test_while_calls_are_stopped_every_page_says_who_did_it_and_why(admin_client: Browser, admin_user: User) -> None:
    rule, record = make_rule(make_client()), build_refusal(make_client("Other"))
    record.save()
    admin_client.post(STOP, {"why": WHY})
    assert [(entry.user, entry.change_message) for entry in LogEntry.objects.all()] == [
        (admin_user, f"Stopped all calls: {WHY}")
    ]
    for path in (
        "/admin/",
        "/admin/refusals/",
        "/admin/authz_app/rule/",
        f"/admin/authz_app/rule/{rule.pk}/change/",
        f"/admin/authz_app/callrecord/{record.pk}/change/",
        "/admin/tools_app/tool/",
        "/admin/auth/group/",
    ):
        page = text(admin_client.get(path))
        assert BANNER in page, path
        assert f"</strong> by {admin_user} since" in page, path
        assert "Something &lt;b&gt;odd&lt;/b&gt;." in page, path


def test_undone_by_one_button_the_rules_are_as_before(admin_client: Browser, admin_user: User) -> None:
    kept = make_rule(make_client())
    admin_client.post(STOP, {"why": WHY})
    page = text(admin_client.post(UNDO, follow=True))
    assert "Calls go on: from the next one, the rules decide again." in page
    assert BANNER not in page
    assert list(Rule.objects.all()) == [kept]
    last = LogEntry.objects.first()
    assert last is not None
    assert last.change_message == f"Let calls go on, which {admin_user} had stopped: {WHY}"


def test_stopping_twice_makes_one_rule_and_undoing_twice_none(admin_client: Browser) -> None:
    admin_client.post(STOP, {"why": WHY})
    assert "all calls are stopped already" in text(admin_client.post(STOP, {"why": "Again."}, follow=True))
    assert Rule.objects.count() == 1
    admin_client.post(UNDO)
    assert "calls were not stopped" in text(admin_client.post(UNDO, follow=True))


def test_undoing_takes_a_post(admin_client: Browser) -> None:
    emergency_stop.stop("dana", WHY)
    assert admin_client.get(UNDO).status_code == 405
    assert emergency_stop.in_force().exists()


def test_who_may_not_change_rules_sees_the_banner_and_no_button(client: Browser) -> None:
    emergency_stop.stop("dana", WHY)
    browser = staff(client, "view_rule", "view_callrecord")
    page = text(browser.get("/admin/authz_app/rule/"))
    assert BANNER in page
    assert UNDO not in page
    assert STOP not in page
    assert browser.post(UNDO).status_code == 403
    assert browser.post(STOP, {"why": WHY}).status_code == 403
    assert Rule.objects.count() == 1


def test_the_button_stands_on_the_start_page_and_beside_the_rules(admin_client: Browser) -> None:
    for path in ("/admin/", "/admin/authz_app/rule/"):
        assert f'href="{STOP}"' in text(admin_client.get(path))


def test_strangers_see_no_banner_and_may_do_nothing(client: Browser) -> None:
    emergency_stop.stop("dana", WHY)
    assert BANNER not in text(client.get("/admin/login/"))
    assert client.post(UNDO).status_code == 302
    assert emergency_stop.in_force().exists()


def test_whether_all_calls_are_stopped_is_found_by_an_index() -> None:
    assert "USING INDEX rule_stop" in emergency_stop.in_force().explain()
