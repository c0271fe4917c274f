"""The canonical line: what it covers, and that the guide tells it right."""

import json
import re

import pytest
from django.db.models import Model

from authz_app.evidence.canonical import CALLS, EVENTS, SealedTable, line_of
from authz_app.models import AuditEvent, CallRecord
from tests.site import ROOT

GUIDE = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("model", "sealed"), [(CallRecord, CALLS), (AuditEvent, EVENTS)])
def test_a_line_covers_every_column_but_the_seal(model: type[Model], sealed: SealedTable) -> None:
    assert model._meta.db_table == sealed.table
    assert {field.column for field in model._meta.local_fields} - {"seal"} == {*sealed.columns}


def test_the_guide_has_the_columns_in_their_order() -> None:
    told = re.findall(r"^> (id .*)$", GUIDE, re.MULTILINE)
    assert [tuple(columns.split()) for columns in told] == [CALLS.columns, EVENTS.columns]


def test_a_line_is_the_json_that_the_guide_tells() -> None:
    row = [
        "0" * 32,
        "2026-11-27 02:36:51",
        *['é\u2028"\\\n\x1f\x7f'] * 20,
        "2026-11-27 02:36:51.5",
        "",
        0.1,
        None,
        "",
        "",
        1,
    ]
    line = line_of(CALLS)(row)
    said = json.loads(line)
    assert line == json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    assert said[:2] == [1, "call"]
    said = dict(zip(CALLS.columns, said[2:], strict=True))
    assert (said["id"], said["at"]) == ("00000000-0000-0000-0000-000000000000", "2026-11-27T02:36:51.000000Z")
    assert (said["duration_ms"], said["result_size"], said["undelivered"]) == (0.1, None, True)
