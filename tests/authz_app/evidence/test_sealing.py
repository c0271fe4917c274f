"""Sealing goes on, whatever happens to clocks, keys and copies of the database; and says what it cannot know.

Covers: authz_app.models.seals
Covers: authz_app.evidence.checkpoint, authz_app.evidence.keys, authz_app.evidence.listed_keys,
    authz_app.evidence.rotation, authz_app.evidence.sealer
"""

import logging
import threading
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from django.db import connection, connections

from authz_app.evidence import keys, listed_keys, sealing
from authz_app.evidence.checkpoint import checkpoint_path, known_checkpoint
from authz_app.evidence.keys import AuditKeyError, signer
from authz_app.evidence.listed_keys import next_key_path
from authz_app.evidence.rotation import rotate
from authz_app.evidence.sealer import seal_what_is_due
from authz_app.models import AuditKey, AuditSeal, CallRecord
from tests.authz_app.evidence.records import INTERVAL, final_records, key_file, sealed, verified  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.usefixtures("key_file")]


class FastClock(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(hours=1)


def test_a_clock_that_was_put_back_keeps_nothing_from_being_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as then:
        then.setattr(sealing, "datetime", FastClock)
        sealed(2)
    final_records(3, ago=timedelta(seconds=30))
    assert verified().findings == []
    assert seal_what_is_due(INTERVAL) == 1
    assert seal_what_is_due(INTERVAL) == 0
    report = verified()
    assert (report.findings, report.records) == ([], 5)


def test_an_older_copy_of_the_database_is_noticed_sealed_on_and_called_bad_until_it_is_said_to_be_meant(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sealed(2, 2)
    lost = AuditSeal.objects.get(number=2)
    CallRecord.objects.filter(seal=2).delete()
    lost.delete()
    with caplog.at_level(logging.ERROR, "authz_app.evidence"):
        sealed(1)
    assert any("an older copy of the database is in use" in line for line in caplog.messages)
    head = known_checkpoint(connection)
    assert head is not None
    assert verified().findings == [f"Seal 2 is not the one that was made: that was {head.digest}."]
    checkpoint_path(connection).rename(checkpoint_path(connection).with_suffix(".kept"))
    sealed(1)
    assert verified().findings == []


def test_keys_change_while_others_seal_and_everything_holds(caplog: pytest.LogCaptureFixture) -> None:
    stopping = threading.Event()
    sealers = [threading.Thread(target=_seal_until, args=(stopping,)) for _ in range(2)]
    with caplog.at_level(logging.ERROR):
        for sealer in sealers:
            sealer.start()
        for number in range(12):
            final_records(3)
            if number % 3 == 0:
                _rotate()
        stopping.set()
        for sealer in sealers:
            sealer.join(60)
    seal_what_is_due(None)
    report = verified()
    assert (report.findings, report.records) == ([], 36)
    assert AuditKey.objects.count() == 5


def test_a_key_may_change_before_the_first_seal() -> None:
    rotate(connection)
    sealed(2)
    assert (verified().findings, AuditKey.objects.count()) == ([], 2)


def test_a_machine_whose_key_is_not_the_one_that_signs_changes_nothing(key_file: Path) -> None:  # noqa: F811
    sealed(1)
    kept = key_file.read_bytes()
    rotate(connection)
    key_file.write_bytes(kept)
    with pytest.raises(AuditKeyError, match="Put the same file on all machines"):
        rotate(connection)
    assert AuditKey.objects.count() == 2


def _seal_until(stopping: threading.Event) -> None:
    try:
        while not stopping.wait(0.01):
            with suppress(AuditKeyError):  # A key was listed, and its file not yet in place. Workers try again.
                seal_what_is_due(None)
    finally:
        connections.close_all()


def _rotate() -> None:
    for _ in range(1_000):
        try:
            rotate(connection)
            return
        except AuditKeyError as error:
            assert "Something is being sealed" in str(error)
    raise AssertionError("There was never a moment to change keys in.")


def test_a_change_of_keys_that_is_broken_off_is_ended_by_asking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed(1)
    old = signer()
    with monkeypatch.context() as then:
        then.setattr(keys.os, "replace", _break)
        with pytest.raises(AuditKeyError, match="cannot be written"):
            rotate(connection)
    assert signer().id == old.id
    assert AuditKey.objects.count() == 1
    new = listed_keys.list_successor(old, 2)  # The machine stops here.
    final_records(1)
    with pytest.raises(AuditKeyError, match="A change of keys was broken off"):
        seal_what_is_due(None)
    assert rotate(connection).id == new.id
    assert not next_key_path().exists()
    sealed(1)
    assert (verified().findings, AuditKey.objects.count()) == ([], 2)


def _break(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_change_of_keys_that_was_rolled_back_leaves_the_old_one_signing(key_file: Path) -> None:  # noqa: F811
    sealed(1)
    old = signer()
    listed_keys.list_successor(old, 2)
    AuditKey.objects.exclude(pk=old.id).delete()  # As a rollback leaves it.
    sealed(1)
    assert (signer().id, verified().findings) == (old.id, [])
    new = rotate(connection)
    sealed(1)
    assert (signer().id, verified().findings) == (new.id, [])


def test_records_that_wait_are_sealed_oldest_first_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "LARGEST_SEGMENT", 4)
    final_records(10)
    assert seal_what_is_due(None) == 3
    assert list(CallRecord.objects.order_by("id").values_list("seal", flat=True)) == [1] * 4 + [2] * 4 + [3] * 2
    assert verified().findings == []
