"""The export below the list of call records: exactly what the list shows, for those who may see it.

Covers: authz_app.pages.records.selection
"""

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission
from django.db import connections
from django.test import AsyncClient, Client as Browser

from authz_app.evidence.keys import public_pem, signer
from authz_app.models import CallRecord, User
from authz_app.pages.records import export as record_export
from tests.authz_app.evidence.records import key_file, sealed, sealed_with_events  # noqa: F401
from tests.authz_app.export.test_exporting import verified

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.usefixtures("key_file")]
PAGE, EVENTS = "/admin/authz_app/callrecord/", "/admin/authz_app/auditevent/"


def _auditor(*permissions: str) -> User:
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


async def _fetch(query: str, *forms: str, user: User | None = None, page: str = PAGE) -> list[bytes]:
    browser = AsyncClient()
    if user is None:
        user = await sync_to_async(User.objects.create_superuser)("root")
    await sync_to_async(browser.force_login)(user)
    bodies = []
    for form in forms:
        answer = await browser.get(f"{page}export/records.{form}{query}")
        assert answer.status_code == 200
        assert "attachment" in answer["Content-Disposition"]
        bodies.append(b"".join([chunk async for chunk in answer.streaming_content]))
    return bodies


async def test_what_is_downloaded_is_what_the_list_shows_and_proves_itself(tmp_path: Path) -> None:
    await sync_to_async(sealed)(8, 8)
    user = await sync_to_async(_auditor)("view_callrecord", "view_arguments")
    (tmp_path / "audit.pem").write_text(public_pem(signer().public))
    jsonl, archive = await _fetch("?decision=denied", "jsonl", "zip", user=user)
    (tmp_path / "records.jsonl").write_bytes(jsonl)
    ZipFile(BytesIO(archive)).extractall(tmp_path)
    assert jsonl.count(b'"decision":"denied"') == 4
    assert b'"decision":"allowed"' not in jsonl
    for arguments in (["records.jsonl"], ["records.csv", "--seals", "records.seals.jsonl"]):
        code, said = await sync_to_async(verified)(tmp_path, arguments)
        assert (code, said[0]) == (0, "Checked: 4 records, 2 seals.")
    # The thread that read has a connection of its own, which would keep the database from being removed.
    await sync_to_async(connections.close_all)()


@pytest.mark.parametrize("may", [[], ["view_callrecord"], ["view_arguments"]])
def test_whoever_may_not_see_arguments_exports_nothing(client: Browser, may: list[str]) -> None:
    client.force_login(_auditor(*may))
    assert client.get(f"{PAGE}export/records.jsonl").status_code == 403


def test_the_links_keep_the_filter(admin_client: Browser) -> None:
    sealed(4)
    page = admin_client.get(f"{PAGE}?decision=denied").content.decode()
    assert f"{PAGE}export/records.jsonl?decision=denied" in page


def test_a_filter_that_there_is_not_leads_back(admin_client: Browser) -> None:
    answer = admin_client.get(f"{PAGE}export/records.zip?nonsense=1", follow=True)
    assert "Nothing was exported" in answer.content.decode()


def test_more_than_the_server_can_hold_is_left_to_the_command(
    admin_client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed(4)
    monkeypatch.setattr(record_export, "MOST", 3)
    answer = admin_client.get(f"{PAGE}export/records.jsonl?decision=allowed", follow=True)
    assert answer.status_code == 200
    assert CallRecord.objects.count() == 4
    answer = admin_client.get(f"{PAGE}export/records.jsonl", follow=True)
    assert "manage.py audit export --where &#x27;&#x27; --output" in answer.content.decode()
    answer = admin_client.get(f"{PAGE}export/records.jsonl?since=day&q=tool:*&before=x", follow=True)
    assert "audit export --where &#x27;tool:* since:24h&#x27; --output" in answer.content.decode()


def test_a_search_that_means_nothing_leads_back(admin_client: Browser) -> None:
    answer = admin_client.get(f"{PAGE}export/records.jsonl?q=clint:report", follow=True)
    assert "Nothing was exported: There is no qualifier clint:" in answer.content.decode()


async def test_events_are_downloaded_as_calls_are(tmp_path: Path) -> None:
    await sync_to_async(sealed_with_events)(3)
    user = await sync_to_async(_auditor)("view_auditevent", "view_arguments")
    (tmp_path / "audit.pem").write_text(public_pem(signer().public))
    jsonl, archive = await _fetch("?kind=look", "jsonl", "zip", user=user, page=EVENTS)
    (tmp_path / "records.jsonl").write_bytes(jsonl)
    ZipFile(BytesIO(archive)).extractall(tmp_path)
    for arguments in (["records.jsonl"], ["records.csv", "--seals", "records.seals.jsonl"]):
        code, said = await sync_to_async(verified)(tmp_path, arguments)
        assert (code, said[0]) == (0, "Checked: 2 records, 1 seals.")
    await sync_to_async(connections.close_all)()


@pytest.mark.parametrize("may", [["view_auditevent"], ["view_callrecord", "view_arguments"]])
def test_whoever_may_not_see_events_exports_none(client: Browser, may: list[str]) -> None:
    client.force_login(_auditor(*may))
    assert client.get(f"{EVENTS}export/records.jsonl").status_code == 403


def test_the_log_has_who_exported_and_not_what_was_searched_for(
    admin_client: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    sealed(1)
    with caplog.at_level("INFO", "authz_app.evidence"):
        admin_client.get(f"{PAGE}export/records.jsonl?q=args:hunter2")
    assert "Exported as jsonl by admin." in caplog.text
    assert "hunter2" not in caplog.text
