"""Changes in words: the rule's sentence before and after, and each field.

Covers: authz_app.history.fields
"""

import pytest
from django.db import transaction

from authz_app.history.changes import Change, changes_in
from authz_app.models import Client, PolicyEdit, PolicyRevision, Rule
from authz_app.policy_store.loading import stored_version
from tests.rows import make_client, make_rule
from tools_app.models import Tool

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def since(version: int, most: int = 100) -> tuple[Change, ...]:
    """Everything that changed after a version, notes of that version among it."""
    revisions = PolicyRevision.objects.filter(edit__version__gt=version)
    return changes_in(revisions, stored_version(), most).shown


def last() -> Change:
    edit = PolicyEdit.objects.latest("id")
    (change,) = changes_in(edit.revisions.all(), edit.version or 0, 10).shown
    return change


@pytest.fixture
def rule() -> Rule:
    return make_rule(make_client("Demo"), make_client("Ada"))


def test_a_changed_rule_reads_as_two_sentences(rule: Rule) -> None:
    Rule.objects.update(effect="deny", tools="TimeTool\nweather_*")
    change = last()
    assert change.summary == (
        f"Rule {rule.pk}: Allow Ada and Demo to call TimeTool. → Deny Ada and Demo to call TimeTool and weather_*."
    )
    fields = {(field.name, field.was, field.became) for field in change.fields}
    assert fields == {("Effect", "Allow", "Deny"), ("Names", "TimeTool", "TimeTool\nweather_*")}


def test_whom_a_rule_names_is_told_by_the_names_of_that_moment(rule: Rule) -> None:
    before = stored_version()
    rule.clients.remove(Client.objects.get(name="Demo"))
    Client.objects.filter(name="Ada").update(name="Countess")
    rule.clients.add(make_client("Bo"))
    change, countess, _ = since(before)
    assert change.summary == (
        f"Rule {rule.pk}: Allow Ada and Demo to call TimeTool. → Allow Bo and Countess to call TimeTool."
    )
    assert [(field.name, field.was, field.became) for field in change.fields] == [("Clients", "Demo", "Bo")]
    assert countess.summary == f"Client {countess.entity_id}: Ada, active → Countess, active"


def test_added_and_removed_rules_have_one_sentence() -> None:
    before = stored_version()
    with transaction.atomic():
        rule = make_rule(applies_to="every", note="Why.")
    added = since(before)[0]
    assert (added.what, added.summary) == ("added", f"Rule {rule.pk} added: Allow every client to call TimeTool.")
    assert ("Note", "", "Why.") in {(field.name, field.was, field.became) for field in added.fields}
    rule_id = rule.pk
    rule.delete()
    assert last().summary == f"Rule {rule_id} removed: Allow every client to call TimeTool."


def test_what_came_and_went_is_no_change(rule: Rule) -> None:
    before = stored_version()
    Rule.objects.update(tools="other")
    make_rule(applies_to="every").delete()
    Rule.objects.update(tools="TimeTool")
    assert since(before) == ()


def test_a_rule_that_is_switched_off_says_so(rule: Rule) -> None:
    Rule.objects.update(enabled=False)
    sentence = "Allow Ada and Demo to call TimeTool."
    assert last().summary == f"Rule {rule.pk}: {sentence} → Switched off: {sentence}"


def test_a_note_is_named_as_what_changed(rule: Rule) -> None:
    rule.note = "Asked for by the auditors."
    rule.save()
    assert last().summary == f"Rule {rule.pk}: note changed."


def test_clients_and_tools_in_a_word(rule: Rule) -> None:
    demo = Client.objects.get(name="Demo")
    demo.status = "blocked"
    demo.save()
    assert last().summary == f"Client {demo.pk}: Demo, active → Demo, blocked"
    Tool.objects.filter(name="echo").update(enabled=False)
    assert last().summary == "Tool echo: switched on → switched off"
    new = make_client("", subject="x@clients", status="pending")
    assert last().summary == f"Client {new.pk} added: x@clients, pending"


def test_a_rule_that_nobody_can_read_says_what_it_did(rule: Rule) -> None:
    Rule.objects.update(effect="maybe")
    assert last().became == "Unreadable effect 'maybe', so deny everything to everybody."


def test_of_very_many_changes_the_first_are_shown_and_the_others_counted() -> None:
    before = stored_version()
    Rule.objects.bulk_create([Rule(tools="x", applies_to="every") for _ in range(30)])
    changes = changes_in(PolicyRevision.objects.filter(edit__version__gt=before), stored_version(), 10)
    assert (len(changes.shown), changes.touched, changes.left_out) == (10, 30, 20)


def test_what_is_recorded_of_a_tool_reads_as_a_change_of_the_tool() -> None:
    Tool.objects.create(name="pay", module="m")
    before = stored_version()
    Tool.objects.filter(name="pay").update(recorded="metadata", redacted="customer.iban")
    change = last()
    assert stored_version() == before + 1
    assert change.summary == ("Tool pay: switched on → switched on, recorded: metadata, never recorded: customer.iban")
    fields = {(field.name, field.was, field.became) for field in change.fields}
    assert fields == {("Recorded", "As its author says", "Metadata"), ("Never recorded", "", "customer.iban")}
