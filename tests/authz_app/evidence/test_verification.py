"""Whatever is done to sealed records behind the site's back, verification names the place."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.db.models import F

from authz_app.evidence.heads import Head
from authz_app.evidence.keyring import keyring
from authz_app.evidence.keys import AuditSigner, rotate, signer
from authz_app.evidence.models import AuditKey, AuditSeal
from authz_app.evidence.rows import CALLS, line_of, member
from authz_app.evidence.sealer import seal_what_is_due
from authz_app.evidence.statements import digest, seal_statement
from authz_app.evidence.verification import verify
from authz_app.models import CallRecord
from tests.authz_app.evidence.records import INTERVAL, final_records, key_file, sealed, verified  # noqa: F401
from tests.drills.sizes import size

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.usefixtures("key_file")]
EACH = size(5, 500)
SEALS = size(6, 200)


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


def edit() -> str:
    record = _nth(2)
    CallRecord.objects.filter(pk=record.pk).update(arguments='{"amount": 7}')
    return f"Record {record.pk} was edited"


def edit_the_delivery() -> str:
    record = _nth(2)
    CallRecord.objects.filter(pk=record.pk).update(undelivered=True)
    return f"Record {record.pk} was edited"


def delete() -> str:
    record = _nth(3)
    record_id = record.pk
    record.delete()
    return f"Record {record_id} was removed"


def insert() -> str:
    record = _nth(1)
    (new,) = final_records(1)
    CallRecord.objects.filter(pk=new.pk).update(seal=record.seal)
    return f"Record {new.pk} was inserted"


def insert_without_a_seal() -> str:
    return f"Record {final_records(1)[0].pk} was inserted"


def swap_two() -> str:
    """The contents of two records, in one segment, change places."""
    one, other = _nth(0), _nth(1)
    ids = one.pk, other.pk
    CallRecord.objects.filter(pk__in=ids).delete()
    one.pk, other.pk = other.pk, one.pk
    one.tool, other.tool = "x", "y"
    CallRecord.objects.bulk_create([one, other])
    return f"Record {min(ids)} was edited"


def swap_between_segments() -> str:
    one, other = _nth(0), _nth(EACH)
    CallRecord.objects.filter(pk=one.pk).update(seal=other.seal)
    CallRecord.objects.filter(pk=other.pk).update(seal=one.seal)
    return f"Record {min(one.pk, other.pk)} was "


def cut_the_tail() -> str:
    CallRecord.objects.filter(seal__gt=SEALS - 2).delete()
    AuditSeal.objects.filter(number__gt=SEALS - 2).delete()
    return f"Seals {SEALS - 1} to {SEALS} were made, and cut off"


def remove_a_seal() -> str:
    AuditSeal.objects.filter(number=2).delete()
    return f"Seal 2 is not there, though {EACH} records are in it"


def remove_a_seal_and_its_records() -> str:
    CallRecord.objects.filter(seal=2).delete()
    AuditSeal.objects.filter(number=2).delete()
    return "Seal 2 is missing"


def recompute_without_the_key() -> str:
    """Edit a record, and make all hashes anew with a key of one's own under the real one's name."""
    record = _nth(EACH + 1)
    CallRecord.objects.filter(pk=record.pk).update(tool="Harmless")
    _forge(AuditSigner(_another_private_key()))
    return "Seal 1 was edited, or made without the key: its signature is not that of the key"


def _forge(key: AuditSigner) -> None:
    previous, line = "0" * 64, line_of(CALLS)
    for seal in AuditSeal.objects.order_by("number"):
        rows = CallRecord.objects.filter(seal=seal.number).values_list(*CALLS.columns)
        members = b"".join(sorted(member(row[0], line(row)) for row in rows))
        statement = seal_statement(seal.number, seal.at, members, previous, signer().id)
        AuditSeal.objects.filter(pk=seal.pk).update(statement=statement, members=members, signature=key.sign(statement))
        previous = digest(statement)


def _another_private_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def edit_a_seal() -> str:
    AuditSeal.objects.filter(number=2).update(statement=F("statement"), signature="00" * 64)
    return "Seal 2 was edited"


def edit_a_seal_s_list() -> str:
    AuditSeal.objects.filter(number=2).update(members=b"\x00" * 48)
    return "Seal 2 was edited: its list of records"


def swap_seals() -> str:
    one, other = AuditSeal.objects.get(number=2), AuditSeal.objects.get(number=3)
    AuditSeal.objects.filter(number=2).update(statement=other.statement, signature=other.signature)
    AuditSeal.objects.filter(number=3).update(statement=one.statement, signature=one.signature)
    return "Seal 2 was edited"


def pretend_a_pruning() -> str:
    CallRecord.objects.filter(seal=2).delete()
    AuditSeal.objects.filter(number=2).update(pruned='{"pruned":2}', pruned_signature="00" * 64, members=b"")
    return "Seal 2 says that its records were pruned, which is not so"


def _nth(number: int) -> CallRecord:
    return CallRecord.objects.order_by("seal", "id")[number]


TAMPERINGS = [
    edit,
    edit_the_delivery,
    delete,
    insert,
    insert_without_a_seal,
    swap_two,
    swap_between_segments,
    cut_the_tail,
    remove_a_seal,
    remove_a_seal_and_its_records,
    recompute_without_the_key,
    edit_a_seal,
    edit_a_seal_s_list,
    swap_seals,
    pretend_a_pruning,
]


@pytest.mark.timeout(size(60, 600))
@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_verification_names_the_first_bad_place(tamper: Callable[[], str]) -> None:
    sealed(*[EACH] * SEALS)
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
    report = verify(connection, ring, Head(2, digest(last.statement)), INTERVAL)
    assert report.findings == ["Seal 2 was made, and cut off: the last seal that is there is 1."]


def test_a_key_takes_over_and_old_seals_hold() -> None:
    sealed(2)
    old = signer()
    new = rotate(old, 2)
    sealed(2)
    assert new.id != old.id
    assert [orjson.loads(seal.statement)["key"] for seal in AuditSeal.objects.order_by("number")] == [old.id, new.id]
    assert verified().findings == []
    assert verify(connection, keyring(AuditKey.objects.all(), old.public), None, INTERVAL).findings == []


def test_a_forged_history_cannot_be_put_in_front_of_a_real_key() -> None:
    sealed(2)
    forger = AuditSigner(_another_private_key())
    _forge(forger)
    real = AuditKey.objects.get()
    AuditKey.objects.create(id=forger.id, statement=real.statement, signature=real.signature)
    assert any(forger.id in finding for finding in verified().findings)


def test_a_key_that_others_can_read_seals_nothing(key_file: Path) -> None:  # noqa: F811
    sealed(1)
    os.chmod(key_file, 0o644)
    with pytest.raises(Exception, match="chmod 600"):
        seal_what_is_due(None)
