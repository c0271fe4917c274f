"""What people do with records stands among them, with who did it; what cannot be recorded is not done."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from authz_app.core import actor
from authz_app.evidence.sealer import seal_what_is_due
from authz_app.models import AuditEvent, AuditKey, CallRecord, User
from tests.authz_app.audit.test_events import events_refused
from tests.authz_app.evidence.records import final_records, key_file  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.usefixtures("key_file")]
TERMINAL = "command:audit by root"
EXPORT = "/admin/authz_app/callrecord/export/records.jsonl"


def told() -> list[tuple[str, str, int, dict[str, Any]]]:
    rows = AuditEvent.objects.order_by("id").values_list("kind", "actor", "count", "details")
    return [(kind, actor, count, json.loads(details)) for kind, actor, count, details in rows]


def export(tmp_path: Path, *arguments: str) -> Path:
    path = tmp_path / "out.csv"
    with actor.acting(TERMINAL):
        call_command("audit", "export", "--output", str(path), *arguments)
    return path


@pytest.fixture
def browser() -> Browser:
    made = Browser()
    made.force_login(User.objects.create_superuser("anna"))
    return made


def test_an_export_in_a_terminal(tmp_path: Path) -> None:
    final_records(4)
    export(tmp_path, "--where", "decision:denied")
    details = {"tables": ["call"], "chosen_by": "decision:denied", "whole": False, "form": "csv"}
    assert told() == [("export", "manage.py audit by root", 1, details)]


def test_an_export_in_the_admin(browser: Browser) -> None:
    final_records(4)
    assert browser.get(f"{EXPORT}?decision=allowed").status_code == 200
    (kind, actor, count, details) = told()[0]
    assert (kind, actor, count, details["form"]) == ("export", "anna", 3, "jsonl")
    assert AuditEvent.objects.get().address == "127.0.0.1"


def test_an_export_that_cannot_be_recorded_does_not_happen(tmp_path: Path, browser: Browser) -> None:
    final_records(4)
    with events_refused():
        with pytest.raises(CommandError, match="could not be recorded, so it was not done"):
            export(tmp_path, "--where", "decision:denied")
        answer = browser.get(EXPORT)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/authz_app/callrecord/?")
    assert not (tmp_path / "out.csv").exists()


def test_keys_that_take_over_are_told_with_whom_they_follow() -> None:
    (old,) = AuditKey.objects.values_list("pk", flat=True)
    final_records(1)
    seal_what_is_due(None)
    with actor.acting(TERMINAL):
        call_command("audit", "keys", "--rotate")
    (new,) = AuditKey.objects.exclude(pk=old).values_list("pk", flat=True)
    details = {"key": new, "first_seal": 2, "follows": old}
    assert told() == [("key_change", "manage.py audit by root", 1, details)]


def test_a_key_that_cannot_be_recorded_does_not_take_over() -> None:
    with events_refused(), pytest.raises(Exception, match="no such function|does not exist"):
        call_command("audit", "keys", "--rotate")
    assert AuditKey.objects.count() == 1
    assert not CallRecord.objects.exists()
