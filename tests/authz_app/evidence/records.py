"""Records that are final, and seals over them, made as the site makes them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from authz_app.evidence.checkpoint import known_checkpoint
from authz_app.evidence.keyring import keyring
from authz_app.evidence.keys import signer
from authz_app.evidence.listed_keys import introduce
from authz_app.evidence.sealer import seal_what_is_due
from authz_app.evidence.verification import Report, verify
from authz_app.models import AuditEvent, AuditKey, CallRecord, Client
from tests.rows import build_record, build_refusal, record_id_at

INTERVAL = timedelta(seconds=60)


@pytest.fixture
def key_file(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """An audit key of this test alone. It is listed already, and the event of that is gone, so that tests can count."""
    settings.AUDIT_KEY_FILE = str(tmp_path / "key" / "audit-key.pem")
    introduce(signer(create=True))
    AuditEvent.objects.all().delete()
    yield tmp_path / "key" / "audit-key.pem"


def final_records(count: int, ago: timedelta = timedelta(minutes=10)) -> list[CallRecord]:
    """So many, in the order of their ids: every fourth was denied. Some took a whole number of milliseconds."""
    client = Client(pk=1, name='Agent \u00e9\u2028"', issuer="https://issuer.example/", subject="agent")
    made = [
        build_refusal(client, ago)
        if number % 4 == 3
        else build_record(client, ago, error="\t\\" * (number % 2), duration_ms=number % 3 + number % 2 / 8)
        for number in range(count)
    ]
    return CallRecord.objects.bulk_create(sorted(made, key=lambda record: record.id), batch_size=1_000)


def final_events(count: int, ago: timedelta = timedelta(minutes=9)) -> list[AuditEvent]:
    """So many, in the order of their ids; later than calls, and so sealed after them, unless told otherwise."""
    at = timezone.now() - ago
    made = [AuditEvent(id=record_id_at(at), at=at, kind="look", details='{"\u00e9":1}') for _ in range(count)]
    return AuditEvent.objects.bulk_create(sorted(made, key=lambda event: event.id))


def sealed(*counts: int) -> None:
    """One seal over so many records each."""
    for count in counts:
        final_records(count)
        seal_what_is_due(None)


def sealed_with_events(*counts: int) -> None:
    """One seal over so many calls each, and one over two events after each."""
    for count in counts:
        final_records(count)
        final_events(2)
        seal_what_is_due(None)


def verified(expect_head: bool = True) -> Report:
    return verify(
        connection,
        keyring(AuditKey.objects.all(), signer().public),
        known_checkpoint(connection) if expect_head else None,
        INTERVAL,
    )
