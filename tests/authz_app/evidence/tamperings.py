"""What somebody could do to sealed records behind the site's back. Each does it, and returns how its finding begins.

There are several seals, each over as many calls and events.
"""

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db.models import F

from authz_app.evidence.canonical import CALLS, EVENTS, line_of, member
from authz_app.evidence.keys import AuditSigner, signer
from authz_app.evidence.statements import digest, seal_statement
from authz_app.models import AuditEvent, AuditSeal, CallRecord
from tests.authz_app.evidence.records import final_events, final_records


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
    one, other = _nth(0), _nth(_each())
    CallRecord.objects.filter(pk=one.pk).update(seal=other.seal)
    CallRecord.objects.filter(pk=other.pk).update(seal=one.seal)
    return f"Record {min(one.pk, other.pk)} was "


def edit_an_event() -> str:
    event = _nth_event(1)
    AuditEvent.objects.filter(pk=event.pk).update(actor="nobody")
    return f"Record {event.pk} was edited"


def delete_an_event() -> str:
    event = _nth_event(1)
    AuditEvent.objects.filter(pk=event.pk).delete()
    return f"Record {event.pk} was removed"


def insert_an_event() -> str:
    (new,) = final_events(1)
    AuditEvent.objects.filter(pk=new.pk).update(seal=1)
    return f"Record {new.pk} was inserted"


def insert_an_event_without_a_seal() -> str:
    return f"Record {final_events(1)[0].pk} was inserted"


def swap_two_events() -> str:
    one, other = _nth_event(0), _nth_event(1)
    AuditEvent.objects.filter(pk__in=(one.pk, other.pk)).delete()
    one.pk, other.pk = other.pk, one.pk
    one.actor, other.actor = "x", "y"
    AuditEvent.objects.bulk_create([one, other])
    return f"Record {min(one.pk, other.pk)} was edited"


def cut_the_tail() -> str:
    seals = AuditSeal.objects.count()
    _delete_under(seals - 1, seals)
    AuditSeal.objects.filter(number__gt=seals - 2).delete()
    return f"Seals {seals - 1} to {seals} were made, and cut off"


def remove_a_seal() -> str:
    gone = AuditSeal.objects.get(number=2)
    gone.delete()
    return f"Seal 2 is not there, though {gone.count} records are in it"


def remove_a_seal_and_its_records() -> str:
    _delete_under(2)
    AuditSeal.objects.filter(number=2).delete()
    return "Seal 2 is missing"


def recompute_without_the_key() -> str:
    """Edit a record, and make all hashes anew with a key of one's own under the real one's name."""
    record = _nth(_each() + 1)
    CallRecord.objects.filter(pk=record.pk).update(tool="Harmless")
    forge_all()
    return "Seal 1 was edited, or made without the key: its signature is not that of the key"


def forge_all() -> None:
    forge(AuditSigner(a_private_key()))


def forge(key: AuditSigner) -> None:
    previous = "0" * 64
    for seal in AuditSeal.objects.order_by("number"):
        members = b"".join(sorted(_members(seal.number)))
        statement = seal_statement(seal.number, seal.at, members, previous, signer().id)
        AuditSeal.objects.filter(pk=seal.pk).update(statement=statement, members=members, signature=key.sign(statement))
        previous = digest(statement)


def _members(seal: int) -> Iterator[bytes]:
    for model, kind in ((CallRecord, CALLS), (AuditEvent, EVENTS)):
        line = line_of(kind)
        rows = model._default_manager.filter(seal=seal).values_list(*kind.columns)
        yield from (member(row[0], line(row)) for row in rows)


def a_private_key() -> Ed25519PrivateKey:
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
    _delete_under(2)
    AuditSeal.objects.filter(number=2).update(pruned='{"pruned":2}', pruned_signature="00" * 64, members=b"")
    return "Seal 2 says that its records were pruned, which is not so"


def _delete_under(*seals: int) -> None:
    CallRecord.objects.filter(seal__in=seals).delete()
    AuditEvent.objects.filter(seal__in=seals).delete()


def _each() -> int:
    return CallRecord.objects.filter(seal=1).count()


def _nth(number: int) -> CallRecord:
    return CallRecord.objects.order_by("seal", "id")[number]


def _nth_event(number: int) -> AuditEvent:
    return AuditEvent.objects.order_by("seal", "id")[number]


TAMPERINGS = [
    edit,
    edit_the_delivery,
    delete,
    insert,
    insert_without_a_seal,
    swap_two,
    swap_between_segments,
    edit_an_event,
    delete_an_event,
    insert_an_event,
    insert_an_event_without_a_seal,
    swap_two_events,
    cut_the_tail,
    remove_a_seal,
    remove_a_seal_and_its_records,
    recompute_without_the_key,
    edit_a_seal,
    edit_a_seal_s_list,
    swap_seals,
    pretend_a_pruning,
]
