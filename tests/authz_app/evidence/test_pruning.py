"""Old segments go, their seals stay, and nothing else goes with them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from authz_app.evidence import sealing
from authz_app.evidence.pruning import prunable
from authz_app.evidence.sealer import seal_what_is_due
from authz_app.models import AuditEvent, AuditSeal, CallRecord
from authz_app.triggers import append_only_records
from tests.authz_app.evidence.records import final_events, final_records, key_file, verified  # noqa: F401
from tests.authz_app.export.test_exporting import export, verified as verified_alone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
OLD = timedelta(days=500)


class OldClock(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) - OLD


@pytest.fixture
def guarded(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: F811
    """Three old segments, the second with a young record in it, and a young one; old records that are not sealed."""
    with monkeypatch.context() as then:
        then.setattr(sealing, "datetime", OldClock)
        for number in range(3):
            final_records(3, OLD + timedelta(minutes=1))
            if number == 1:
                final_records(1)
            then.setattr(sealing, "_ended", lambda *_: "%s IS NOT NULL")
            seal_what_is_due(None)
    final_records(3)
    seal_what_is_due(None)
    final_records(2, OLD)
    append_only_records.install(connection)
    yield
    append_only_records.remove(connection)


def prune(*arguments: str) -> str:
    said = StringIO()
    call_command("audit", "prune", "--older-than", "400d", *arguments, stdout=said)
    return said.getvalue()


def test_nothing_is_removed_unless_it_is_said_twice(guarded: None) -> None:
    before = CallRecord.objects.count()
    assert prune().startswith("Would be removed: 6 records of 2 segments")
    assert CallRecord.objects.count() == before


def test_whole_old_segments_go_and_verification_holds(guarded: None, tmp_path: Path) -> None:
    assert prune("--yes").startswith("Removed: 6 records of 2 segments")
    assert set(CallRecord.objects.values_list("seal", flat=True)) == {2, 4, None}
    assert AuditSeal.objects.count() == 4
    report = verified()
    # What the fixture left there was written late, as far as the seals tell.
    assert [finding for finding in report.findings if "is older than seal" not in finding] == []
    assert "6 records of 2 segments (1 to 3): they were pruned." in report.unchecked
    said = verified_alone(tmp_path, export(tmp_path))[1]
    assert ["is older than seal 4, and in no seal" in line for line in said[:3]] == [True, True, False]
    assert said[2].startswith("Checked: ")
    assert prune("--yes").startswith("Removed: 0 records of 0 segments")


def test_by_tool_only_segments_with_nothing_else_go(guarded: None) -> None:
    append_only_records.remove(connection)
    CallRecord.objects.filter(seal=3).update(tool="noisy")
    assert [segment.seal for segment in prunable(datetime.now(UTC) - timedelta(days=400), ["noisy"])] == [3]
    assert [segment.seal for segment in prunable(datetime.now(UTC) - timedelta(days=400), ["TimeTool"])] == [1]


def test_events_are_pruned_as_calls_are(key_file: Path, tmp_path: Path) -> None:  # noqa: F811
    final_records(2, OLD)
    final_events(2, OLD)
    seal_what_is_due(None)
    final_records(1, OLD)
    final_events(1)
    seal_what_is_due(None)
    AuditSeal.objects.update(at=datetime.now(UTC) - OLD)
    append_only_records.install(connection)
    try:
        assert prune("--yes").startswith("Removed: 5 records of 3 segments")
        assert AuditEvent.objects.get(kind="look").seal == 4
        assert verified_alone(tmp_path, export(tmp_path))[0] == 0
        assert [*AuditEvent.objects.exclude(seal=4).values_list("kind", "count")] == [("pruning", 5)]
    finally:
        append_only_records.remove(connection)


def test_by_tool_the_events_of_that_time_stay(key_file: Path) -> None:  # noqa: F811
    final_records(1, OLD)
    final_events(1, OLD - timedelta(minutes=1))
    seal_what_is_due(None)
    AuditSeal.objects.update(at=datetime.now(UTC) - OLD)
    before = datetime.now(UTC) - timedelta(days=400)
    assert [[segment.seal for segment in prunable(before, tools)] for tools in ([], ["TimeTool"])] == [[1, 2], [1]]


def test_a_record_that_is_not_pruned_is_not_deleted(guarded: None) -> None:
    prune("--yes")
    with pytest.raises(DatabaseError, match="are evidence"):
        CallRecord.objects.filter(seal=2).delete()
    with pytest.raises(DatabaseError, match="are evidence"):
        AuditSeal.objects.filter(number=1).update(pruned="")
