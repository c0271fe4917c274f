"""What is recorded of calls that are refused before they could be made."""

from typing import Any

import pytest

from authz_app.models import CallRecord, Rule
from tests.tools_app.desk import alice, allow, desk
from tools_app.invocation.refusals import refusal
from tools_app.wire.jsonrpc import Notification, Request

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
WHY = "This cannot be taken."


def call(**params: Any) -> Request:
    return Request(1, "tools/call", params)


def test_a_refused_call_that_a_rule_allows_is_recorded_as_not_run() -> None:
    allow("*")
    with desk() as here:
        told = here.run(refusal(WHY, call(name="TimeTool", arguments={"a": 2**64}), alice(), here.dependencies))
        record = here.record()
    assert record.reason == "allowed"
    assert told == (f"{WHY} Record {record.pk}.", {"record": str(record.pk)})
    assert (record.decision, record.outcome, record.error) == ("allowed", "not_run", WHY)
    assert record.arguments == '{"a":18446744073709551616}'


def test_a_refused_call_that_no_rule_allows_is_recorded_as_denied() -> None:
    with desk() as here:
        here.run(refusal(WHY, call(name=5, arguments="x"), alice(), here.dependencies))
        record = here.record()
    assert (record.tool, record.decision, record.reason, record.outcome) == ("", "denied", "unknown_tool", "")


def test_a_refused_call_counts_against_no_limit() -> None:
    allow("*")
    Rule.objects.create(
        tools="*", applies_to="every", effect="limit", limit_calls=1, limit_period="minute", limit_per="client"
    )
    with desk() as here:
        for _ in range(3):
            here.run(refusal(WHY, call(name="TimeTool"), alice(), here.dependencies))
        assert here.dependencies.audit.flush(60)
    assert {*CallRecord.objects.values_list("decision", flat=True)} == {"allowed"}


@pytest.mark.parametrize("message", [None, Request(1, "tools/list", {}), Notification("tools/call", {"name": "x"})])
def test_of_what_is_no_call_there_is_no_record(message: Any) -> None:
    with desk() as here:
        assert here.run(refusal(WHY, message, alice(), here.dependencies)) == (WHY, {})
    assert not CallRecord.objects.exists()
