"""The admin pages of the seals, and what the page of a record says of its seal.

Covers: authz_app.pages.seals.problems, authz_app.pages.shared.proofs
Covers: authz_app.evidence.health, authz_app.evidence.record_proof
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from authz_app.evidence.keys import public_pem, signer
from authz_app.evidence.rotation import rotate
from authz_app.models import AuditEvent, AuditSeal, CallRecord, User
from authz_app.pages.seals import problems as seal_problems
from tests.authz_app.evidence.records import final_records, key_file, sealed, sealed_with_events  # noqa: F401
from tests.authz_app.evidence.tamperings import (
    delete,
    edit,
    edit_a_seal,
    edit_a_seal_s_list,
    forge_all,
    insert,
    pretend_a_pruning,
    remove_a_seal,
    swap_two,
)
from tests.rows import build_record, make_client

SEALS, RECORDS = "/admin/authz_app/auditseal/", "/admin/authz_app/callrecord/"
EVENTS = "/admin/authz_app/auditevent/"
BEHIND, BAD = "Sealing is behind", "The newest seal does not hold"
HOLDS, FAILS = 'class="holds"', 'class="fails"'

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.usefixtures("key_file")]


def text(browser: Browser, path: str, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def seal_page(browser: Browser, number: int) -> str:
    return text(browser, f"{SEALS}{number}/change/")


def record_page(browser: Browser, record: CallRecord) -> str:
    return text(browser, f"{RECORDS}{record.pk}/change/")


def nth(number: int) -> CallRecord:
    return CallRecord.objects.order_by("seal", "id")[number]


def staff(browser: Browser, *codenames: str) -> Browser:
    user = User.objects.create_user("clerk", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    browser.force_login(user)
    return browser


def test_the_list_shows_seals_newest_first_and_that_all_is_well(admin_client: Browser) -> None:
    sealed(3, 0)
    page = text(admin_client, SEALS)
    assert page.index(f"{SEALS}2/change/") < page.index(f"{SEALS}1/change/")
    assert "Everything that is final is in a seal" in page
    assert FAILS not in page
    assert " ".join(public_pem(signer().public).split()) in page
    assert "manage.py audit verify" in page


def test_neither_list_nor_page_counts_the_seals_or_reads_more_than_one_list_of_members(admin_client: Browser) -> None:
    sealed(2, 2, 2)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        text(admin_client, SEALS)
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]
    reading = [query["sql"] for query in queries if '"authz_app_auditseal"."members"' in query["sql"]]
    assert len(reading) <= 2  # The newest, and nothing else.
    assert all("LIMIT 1" in sql for sql in reading)


def test_whoever_may_see_call_records_sees_seals_and_changes_none(client: Browser) -> None:
    sealed(2)
    staff(client, "view_callrecord")
    assert "Seal 1" in seal_page(client, 1)
    assert SEALS in text(client, "/admin/")
    assert client.post(f"{SEALS}1/change/", {"number": 7}).status_code == 403
    assert client.get(f"{SEALS}1/delete/").status_code == 403
    assert client.get(f"{SEALS}add/").status_code == 403


def test_nobody_else_sees_them(client: Browser) -> None:
    sealed(2)
    staff(client, "view_auditseal", "view_rule")
    assert client.get(SEALS).status_code == 403
    assert client.get(f"{SEALS}1/change/").status_code == 403
    assert SEALS not in text(client, "/admin/")


def test_a_seal_that_holds_says_so(admin_client: Browser) -> None:
    sealed(3, 5)
    page = seal_page(admin_client, 2)
    assert FAILS not in page
    for words in ("Its signature is that of a key", "It follows seal 1", "All its records, 5, are there"):
        assert words in page
    assert AuditSeal.objects.get(number=2).signature in page
    assert f"{RECORDS}?seal=2" in page
    under = admin_client.get(f"{RECORDS}?seal=2").content.decode()
    assert [record.seal for record in CallRecord.objects.all() if f"{record.pk}/change" in under] == [2] * 5


@pytest.mark.parametrize(
    ("tamper", "number"),
    [
        (edit, 1),
        (delete, 1),
        (insert, 1),
        (swap_two, 1),
        (edit_a_seal, 2),
        (edit_a_seal_s_list, 2),
        (pretend_a_pruning, 2),
    ],
)
def test_a_seal_that_does_not_hold_says_what_and_where(
    admin_client: Browser, tamper: Callable[[], str], number: int
) -> None:
    sealed(4, 4, 4)
    said = tamper()
    page = seal_page(admin_client, number)
    assert page.count(FAILS) == (2 if tamper is swap_two else 1)
    assert "".join(words for words in said.split()[1:2]) in page
    assert page.count(HOLDS) == 2


def test_a_record_that_was_edited_is_a_link_away_from_its_seal_and_back(admin_client: Browser) -> None:
    sealed(4)
    edit()
    record = nth(2)
    assert f'<a href="{RECORDS}{record.pk}/change/">{record.pk}</a> was edited after seal 1' in seal_page(
        admin_client, 1
    )
    page = record_page(admin_client, record)
    assert "Not as it was written. It was edited after seal 1 was made." in page
    assert f'href="{SEALS}1/change/"' in page


def test_an_event_proves_itself_as_a_call_does(admin_client: Browser) -> None:
    sealed_with_events(1)
    event, other = AuditEvent.objects.order_by("pk")
    assert "it is as it was written." in text(admin_client, f"{EVENTS}{event.pk}/change/")
    AuditEvent.objects.filter(pk=event.pk).update(actor="mallory")
    assert "It was edited after seal 2 was made." in text(admin_client, f"{EVENTS}{event.pk}/change/")
    assert "Not as it was written" not in text(admin_client, f"{EVENTS}{other.pk}/change/")
    page = seal_page(admin_client, 2)
    assert f'<a href="{EVENTS}{event.pk}/change/">{event.pk}</a> was edited' in page
    assert f'href="{EVENTS}?seal=2"' in page
    under = text(admin_client, f"{EVENTS}?seal=2")
    assert f"{event.pk}/change" in under
    assert f"{other.pk}/change" not in text(admin_client, f"{EVENTS}?seal=1")


def test_a_seal_whose_neighbour_is_gone_or_whose_row_says_otherwise_does_not_hold(admin_client: Browser) -> None:
    sealed(2, 2, 2)
    AuditSeal.objects.filter(number=3).update(count=7)
    remove_a_seal()
    page = seal_page(admin_client, 3)
    assert "Seal 2, which it follows, is not there." in page
    assert "is not what was signed" in page
    assert "Seal 2 is not there, though this record is in it." in record_page(admin_client, nth(2))


def test_a_history_that_was_made_without_the_key_does_not_hold(admin_client: Browser) -> None:
    sealed(2, 2)
    forge_all()
    assert "made without the key" in seal_page(admin_client, 2)
    assert "Not as it was written. Seal 2 was edited, or made without the key" in record_page(admin_client, nth(3))
    assert BAD in text(admin_client, "/admin/")
    assert "made without the key" in text(admin_client, SEALS)


def test_what_is_wrong_is_shown_up_to_a_number(admin_client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal_problems, "_SHOWN", 3)
    sealed(8)
    CallRecord.objects.update(worker="<script>")
    page = seal_page(admin_client, 1)
    assert "and 5 more records" in page
    assert "<script>" not in page.partition("Checked now")[2].partition("</section>")[0]


@pytest.mark.parametrize("path", ["9/change/", "nonsense/change/", f"{10**30}/change/", "?q=nonsense", f"?q={10**30}"])
def test_a_seal_that_there_is_not(admin_client: Browser, path: str) -> None:
    sealed(1)
    answer = admin_client.get(f"{SEALS}{path}", follow=True)
    assert answer.status_code == 200


def test_a_seal_is_found_by_its_number(admin_client: Browser) -> None:
    sealed(1, 1)
    page = text(admin_client, f"{SEALS}?q=1")
    assert f"{SEALS}1/change/" in page
    assert f"{SEALS}2/change/" not in page


def test_a_record_says_that_it_is_as_it_was_written(admin_client: Browser) -> None:
    sealed(1)
    rotate(connection)
    sealed(1)
    for number in (0, 1):
        page = record_page(admin_client, nth(number))
        assert "it is as it was written." in page
        assert "Not as it was written" not in page


def test_a_record_without_a_seal_says_why(admin_client: Browser) -> None:
    (done,) = final_records(1, ago=timedelta(seconds=20))
    assert "Not sealed yet: it will be in about 70 seconds." in record_page(admin_client, done)
    running = build_record(make_client(), outcome="", duration_ms=None)
    running.save()
    assert "Not sealed yet: its outcome is not known." in record_page(admin_client, running)


def test_a_record_that_waits_for_too_long_says_so_and_so_does_the_start_page(admin_client: Browser) -> None:
    (late,) = final_records(1)
    assert "Not sealed, though it ended long ago" in record_page(admin_client, late)
    assert BEHIND in text(admin_client, "/admin/")
    assert "Something that ended more than 130 seconds ago is in no seal yet" in text(admin_client, SEALS)


def test_a_record_that_was_inserted_says_so(admin_client: Browser) -> None:
    sealed(2)
    (late,) = final_records(1)
    assert "It was inserted, or written late: it is older than seal 1" in record_page(admin_client, late)
    insert()
    inserted = CallRecord.objects.filter(seal=1).latest("id")
    assert "It was inserted: it was not there when seal 1 was made." in record_page(admin_client, inserted)


def test_a_clock_that_was_put_back_makes_no_record_an_inserted_one(admin_client: Browser) -> None:
    sealed(1)
    AuditSeal.objects.update(at=datetime.now(UTC) + timedelta(hours=1))
    (done,) = final_records(1, ago=timedelta(seconds=20))
    assert "Not sealed yet: it will be" in record_page(admin_client, done)


def test_the_start_page_says_nothing_while_all_is_well(admin_client: Browser) -> None:
    assert "Not as it should be" not in text(admin_client, "/admin/")
    sealed(3)
    assert "Not as it should be" not in text(admin_client, "/admin/")


def test_without_the_key_nothing_is_said_to_hold(admin_client: Browser, key_file: Path) -> None:  # noqa: F811
    sealed(2)
    os.unlink(key_file)
    for page in (seal_page(admin_client, 1), record_page(admin_client, nth(0)), text(admin_client, SEALS)):
        assert "There is no audit key file" in page
        assert "as it was written." not in page
