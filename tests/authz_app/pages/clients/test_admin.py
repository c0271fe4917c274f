"""The admin pages of clients."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser

from authz_app.models import CallRecord, Client, User
from tests.authz_app.pages.browsing import CLIENTS, RULES, staff, text
from tests.rows import build_record, make_client, make_rule

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_blocking_clients_says_what_follows_and_notes_who_did_it(admin_client: Browser, admin_user: User) -> None:
    active, blocked = make_client("Active"), make_client("Blocked", status=Client.Status.BLOCKED)
    chosen = {"action": "block", "_selected_action": [active.pk, blocked.pk]}
    page = text(admin_client.post(CLIENTS, chosen, follow=True))
    assert "Now blocked: Active. Every call of theirs is refused from now on" in page
    assert set(Client.objects.values_list("status", flat=True)) == {"blocked"}
    assert [entry.object_repr for entry in LogEntry.objects.filter(user=admin_user)] == ["Active"]


def test_making_active_what_is_active_changes_nothing(admin_client: Browser) -> None:
    active = make_client()
    page = text(admin_client.post(CLIENTS, {"action": "make_active", "_selected_action": [active.pk]}, follow=True))
    assert "Nothing changed: already active." in page
    assert not LogEntry.objects.exists()


def test_viewing_clients_does_not_offer_to_block_them(client: Browser) -> None:
    target = make_client()
    browser = staff(client, "view_client")
    browser.post(CLIENTS, {"action": "block", "_selected_action": [target.pk]})
    target.refresh_from_db()
    assert target.status == Client.Status.ACTIVE


def test_issuer_and_subject_cannot_be_changed_after_creation(admin_client: Browser) -> None:
    target = make_client()
    fields = {"name": "Renamed", "status": "active", "kind": "service", "issuer": "https://evil.example/"}
    admin_client.post(f"{CLIENTS}{target.pk}/change/", {**fields, "subject": "other"})
    found = Client.objects.get(pk=target.pk)
    assert (found.name, found.issuer, found.subject) == ("Renamed", target.issuer, target.subject)


def test_a_client_can_be_added_beforehand(admin_client: Browser) -> None:
    fields = {"name": "Soon", "status": "active", "kind": "service", "issuer": "http://testserver", "subject": "soon"}
    admin_client.post(f"{CLIENTS}add/", fields)
    assert Client.objects.get().subject == "soon"


def test_the_page_of_a_client_shows_its_rules_and_its_last_calls(admin_client: Browser) -> None:
    target, other = make_client("Report agent"), make_client("Other")
    rule = make_rule(target, tools="weather_*")
    record, others = build_record(target), build_record(other)
    CallRecord.objects.bulk_create([record, others])
    page = text(admin_client.get(f"{CLIENTS}{target.pk}/change/"))
    assert f'<a href="{RULES}{rule.pk}/change/">Allow Report agent to call weather_*.</a>' in page
    assert str(record.pk) in page
    assert str(others.pk) not in page


def test_the_page_of_a_client_hides_calls_from_those_who_may_not_read_records(client: Browser) -> None:
    target = make_client()
    record = build_record(target)
    record.save()
    assert str(record.pk) not in text(staff(client, "change_client").get(f"{CLIENTS}{target.pk}/change/"))


@pytest.mark.parametrize("status", [Client.Status.ACTIVE, Client.Status.BLOCKED])
def test_a_client_that_a_rule_names_is_not_deleted_and_the_page_says_why(admin_client: Browser, status: str) -> None:
    target = make_client("Report agent", status=status)
    make_rule(target)
    delete = f"{CLIENTS}{target.pk}/delete/"
    why = "Report agent is named by a rule, which would come to mean something else: Allow Report agent to call"
    assert why in text(admin_client.get(delete))
    admin_client.post(delete, {"post": "yes"})
    assert Client.objects.filter(pk=target.pk).exists()


def test_a_blocked_client_is_not_deleted_and_the_page_says_why(admin_client: Browser) -> None:
    target = make_client("Scraper", status=Client.Status.BLOCKED)
    delete = f"{CLIENTS}{target.pk}/delete/"
    assert "its next call would register it anew, and not as blocked." in text(admin_client.get(delete))
    admin_client.post(delete, {"post": "yes"})
    assert Client.objects.filter(pk=target.pk).exists()


def test_deleting_many_clients_deletes_none_if_one_is_blocked(admin_client: Browser) -> None:
    free, blocked = make_client("Free"), make_client("Scraper", status=Client.Status.BLOCKED)
    chosen = {"action": "delete_selected", "_selected_action": [free.pk, blocked.pk]}
    assert "Scraper is blocked." in text(admin_client.post(CLIENTS, chosen))
    admin_client.post(CLIENTS, {**chosen, "post": "yes"})
    assert Client.objects.count() == 2


def test_a_client_that_nothing_holds_is_deleted(admin_client: Browser) -> None:
    target = make_client()
    admin_client.post(f"{CLIENTS}{target.pk}/delete/", {"post": "yes"})
    assert not Client.objects.exists()
