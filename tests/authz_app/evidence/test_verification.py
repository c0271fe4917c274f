"""Whatever is done to sealed records behind the site's back, verification names the place.

Covers: authz_app.evidence.keyring, authz_app.evidence.seal_checks, authz_app.evidence.snapshot,
    authz_app.evidence.statements
"""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from django.db import connection

from authz_app.evidence.checkpoint import Checkpoint, known_checkpoint
from authz_app.evidence.keyring import keyring
from authz_app.evidence.keys import AuditKeyError, AuditSigner, signer
from authz_app.evidence.rotation import rotate
from authz_app.evidence.sealer import seal_what_is_due
from authz_app.evidence.snapshot import snapshot
from authz_app.evidence.statements import digest
from authz_app.evidence.verification import verify
from authz_app.models import AuditKey, AuditSeal, CallRecord
from tests.authz_app.evidence.records import INTERVAL, final_records, key_file, sealed, sealed_with_events, verified  # noqa: F401
from tests.authz_app.evidence.tamperings import TAMPERINGS, a_private_key, forge

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.usefixtures("key_file")]


def test_records_as_they_were_written_hold() -> None:
    sealed(3, 0, 5)
    final_records(1, ago=timedelta())
    report = verified()
    assert report.findings == []
    assert (report.seals, report.records) == (3, 8)
    assert [what for what in report.unchecked if "1 records that are not sealed yet" in what]


def test_a_seal_takes_what_is_final_and_settled_and_leaves_the_rest() -> None:
    done = final_records(4)
    (running,) = CallRecord.objects.bulk_create([_running()])
    fresh = final_records(4, ago=timedelta())
    seal_what_is_due(None)
    assert set(CallRecord.objects.filter(seal=1)) == {*done}
    assert set(CallRecord.objects.filter(seal=None)) == {running, *fresh}


def _running() -> CallRecord:
    record = final_records(1)[0]
    record.delete()
    record.outcome, record.duration_ms = "", None
    return record


def test_only_one_seal_is_made_in_an_interval_and_nothing_at_all_is_sealed_too() -> None:
    assert seal_what_is_due(INTERVAL) == 1
    assert seal_what_is_due(INTERVAL) == 0
    assert AuditSeal.objects.get().count == 0


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_verification_names_the_first_bad_place(tamper: Callable[[], str]) -> None:
    sealed_with_events(*[5] * 6)
    assert verified().findings == []
    said = tamper()
    assert verified().findings[0].startswith(said)


def test_the_tail_is_missed_by_whoever_has_the_log() -> None:
    sealed(2, 2)
    last = AuditSeal.objects.get(number=2)
    CallRecord.objects.filter(seal=2).delete()
    last.delete()
    assert verified(expect_head=False).findings == []
    ring = keyring(AuditKey.objects.all(), signer().public)
    report = verify(connection, ring, Checkpoint(2, digest(last.statement)), INTERVAL)
    assert report.findings == ["Seal 2 was made, and cut off: the last seal that is there is 1."]


def test_a_key_takes_over_and_old_seals_hold() -> None:
    sealed(2)
    old = signer()
    new = rotate(connection)
    sealed(2)
    assert new.id != old.id
    assert [orjson.loads(seal.statement)["key"] for seal in AuditSeal.objects.order_by("number")] == [old.id, new.id]
    assert verified().findings == []
    assert verify(connection, keyring(AuditKey.objects.all(), old.public), None, INTERVAL).findings == []


def test_a_forged_history_cannot_be_put_in_front_of_a_real_key() -> None:
    sealed(2)
    forger = AuditSigner(a_private_key())
    forge(forger)
    real = AuditKey.objects.get()
    AuditKey.objects.create(id=forger.id, statement=real.statement, signature=real.signature)
    assert any(forger.id in finding for finding in verified().findings)


def test_a_key_that_others_can_read_seals_nothing(key_file: Path) -> None:  # noqa: F811
    sealed(1)
    os.chmod(key_file, 0o644)
    with pytest.raises(Exception, match="chmod 600"):
        seal_what_is_due(None)


def test_what_is_sealed_while_it_is_verified_disturbs_nothing() -> None:
    sealed(3)

    def meanwhile(number: int) -> None:
        other = threading.Thread(target=_seal_elsewhere)
        other.start()
        other.join(30)

    ring = keyring(AuditKey.objects.all(), signer().public)
    final_records(3, ago=timedelta(seconds=40))
    with snapshot(connection):
        report = verify(connection, ring, known_checkpoint(connection), INTERVAL, meanwhile)
    assert (report.findings, report.seals) == ([], 1)
    assert AuditSeal.objects.count() == 2


def _seal_elsewhere() -> None:
    try:
        seal_what_is_due(None)
    finally:
        connection.close()


def test_where_nothing_was_sealed_yet_it_says_when_there_will_be_a_key(key_file: Path) -> None:  # noqa: F811
    key_file.unlink()
    with pytest.raises(AuditKeyError, match="makes one when it first seals"):
        signer()
