"""Drill: 100,000 sealed records, calls and events, and everything that can be done to them, found by both verifiers."""

import time
from pathlib import Path

import pytest
from django.db import transaction

from tests.authz_app.evidence.records import key_file, sealed_with_events, verified  # noqa: F401
from tests.authz_app.evidence.tamperings import TAMPERINGS
from tests.authz_app.export.test_exporting import export, verified as verified_alone
from tests.drills.sizes import size

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
# Fewer than a segment may have, so that each has a seal of its own.
EACH = size(20, 400)
SEALS, EVENTS = size(10, 250), 2


@pytest.mark.timeout(size(120, 3_600))
def test_both_verifiers_name_the_first_bad_place(key_file: Path, tmp_path: Path) -> None:  # noqa: F811
    sealed_with_events(*[EACH - EVENTS] * SEALS)
    began = time.monotonic()
    assert verified().findings == []
    took = time.monotonic() - began
    assert verified_alone(tmp_path, export(tmp_path))[0] == 0
    table = []
    for tamper in TAMPERINGS:
        with transaction.atomic():
            place = tamper()
            found = verified().findings
            code, said = verified_alone(tmp_path, export(tmp_path))
            transaction.set_rollback(True)
        assert found[0].startswith(place), (tamper.__name__, found[:3])
        assert (code, said[0].split()[:2]) == (1, place.split()[:2]), (tamper.__name__, said[:3])
        table.append(f"{tamper.__name__} | {found[0]} | {said[0]}")
    assert verified().findings == []
    print(f"{EACH * SEALS} records, {len(TAMPERINGS)} ways to tamper with them; verified in {took:.1f} s")
    print("done | audit verify | verify_records.py", *table, sep="\n")
