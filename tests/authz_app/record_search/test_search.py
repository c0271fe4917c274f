"""What is typed into the search box, and what it finds.

Covers: authz_app.record_search.clients, authz_app.record_search.qualifiers
"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, strategies as st
from hypothesis.extra.django import TestCase

from authz_app.models import CallRecord, Client
from authz_app.record_search.paging import left_by
from authz_app.record_search.qualifiers import QUALIFIERS, SearchContext
from authz_app.record_search.search import Search, interpret
from tests.rows import build_record, build_refusal, make_client

HOUR = timedelta(hours=1)
QUOTE = 'He said "hi" to Zoë.'


def context(*, sees_arguments: bool = True) -> SearchContext:
    return SearchContext(timezone.localtime(), sees_arguments)


def found(text: str, **how: Any) -> set[str]:
    search = interpret(text, context(**how))
    assert search.problems == (), search.problems
    return set(left_by(CallRecord.objects.all(), search.filters).values_list("worker", flat=True))


def problems(text: str, **how: Any) -> str:
    search = interpret(text, context(**how))
    assert not left_by(CallRecord.objects.all(), search.filters).exists()
    return " ".join(search.problems)


@pytest.fixture
def records() -> None:
    """Each named by its worker."""
    report, other = make_client("Report agent", subject="abc@clients"), make_client("Other", subject="urn:other")
    running = {"outcome": "", "duration_ms": None}
    CallRecord.objects.bulk_create(
        [
            build_record(report, worker="new", tool="weather_tool", address="203.0.113.9"),
            build_record(report, 3 * HOUR, worker="old", outcome="crashed", kind="prompt", mcp_session="f00d"),
            build_refusal(other, 30 * HOUR, worker="denied", tool="weather_map", client_software="Claude Code 2"),
            build_record(other, 50 * HOUR, worker="lost", **running, rules='[{"id":12,"sentence":"Allow."}]'),
            build_record(other, worker="running", **running, deadline=timezone.now() + HOUR, seal=7),
            build_record(other, 70 * HOUR, worker="said", arguments='{"text":"He said \\"hi\\" to Zoë."}'),
        ]
    )


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.usefixtures("records")
def test_each_qualifier_finds_what_it_says() -> None:
    everything = {"new", "old", "denied", "lost", "running", "said"}
    assert found("") == everything
    assert found("report") == found("client:report") == found("abc@clients") == {"new", "old"}
    assert found('"Report agent"') == found("Report agent") == found("client:*AGENT") == {"new", "old"}
    assert found('"urn:other"') == found("client:urn:other") == everything - {"new", "old"}
    assert found("tool:weather_tool") == {"new"}
    assert found("tool:weather_*") == {"new", "denied"}
    assert found("tool:weather_map,weather_tool -decision:denied") == {"new"}
    assert found("decision:denied") == found("-decision:allowed") == {"denied"}
    assert found("outcome:crashed,unknown") == {"old", "lost"}
    assert found("outcome:running") == {"running"}
    assert found("-outcome:ok,running,unknown") == {"old", "denied"}
    assert found("reason:no_rule") == found("reason:NO-RULE") == {"denied"}
    assert found("address:203.0.113.9") == found("address:*.9") == {"new"}
    assert found("session:F00D") == {"old"}
    assert found("since:2h") == {"new", "running"}
    assert found("since:2d until:20h") == {"denied"}
    assert found("until:60h") == {"said"}
    assert found("kind:prompt") == found("-kind:tool") == {"old"}
    assert found("rule:12") == {"lost"}
    assert found("rule:1") == set()
    assert found("software:Claude*") == {"denied"}
    assert found("seal:7") == {"running"}
    assert found("tool:nothing") == found("tool:nothing*") == set()
    assert found("-tool:nothing*") == everything
    record_id = CallRecord.objects.get(worker="old").pk
    assert found(str(record_id)) == found(f"id:{record_id}") == {"old"}
    assert found("client:report,other decision:denied since:2d tool:weather_*") == {"denied"}


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("text", ['args:"to zoë"', 'args:"said \\"hi\\""', "args:nobody,SAID", "-args:Berlin"])
def test_a_text_in_arguments_is_found(text: str) -> None:
    assert found(text) == {"said"}
    assert interpret(text, context()).arguments


@pytest.mark.django_db
@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("text", ["args:Berlin", "-args:Berlin", "args:Berlin tool:weather_*"])
def test_arguments_are_searched_only_by_those_to_whom_they_are_shown(text: str) -> None:
    assert "takes the permission “Can view recorded arguments”" in problems(text, sees_arguments=False)
    assert interpret(text, context(sees_arguments=False)).arguments == ()


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("clint:alice", "There is no qualifier clint:. There are client, tool, decision,"),
        ("https://x", "put it in quotation marks"),
        ("decision:maybe", "decision: is one of allowed, denied; not “maybe”."),
        ("outcome:fine", "outcome: is one of ok, tool_error,"),
        ("reason:x", "reason: is one of allowed, no_rule,"),
        ("kind:x", "kind: is one of tool, resource,"),
        ("since:tomorrow", "since: does not know “tomorrow”. Write 90m, 12h,"),
        ("since:1d,2d", "since: has one value."),
        ("-since:1d", "-since: is not possible"),
        ("rule:x", "rule: is a number; not “x”."),
        (f"rule:{'9' * 30}", "rule: is a number"),
        ("id:x", "id: is the id of a record"),
        ("client:nobody", "No client is called “nobody”. Write how its name begins"),
        ("nobody at all", "No client is called “nobody at all”."),
        ("tool:a*b*c*d*", "has more than 3 stars"),
        ("tool:", "A value is missing after tool:"),
        ("decision:x outcome:y", "decision: is one of allowed, denied; not “x”. outcome: is one of"),
    ],
)
def test_what_means_nothing_is_told_and_finds_nothing(text: str, problem: str) -> None:
    assert problem in problems(text)


@pytest.mark.database
@pytest.mark.django_db
def test_a_text_that_names_too_many_clients_is_told() -> None:
    Client.objects.bulk_create(Client(name=f"a{number}", issuer="i", subject=str(number)) for number in range(101))
    assert "More than 100 clients are called “a”." in problems("client:a")
    assert interpret("client:a1", context()).problems == ()


@pytest.mark.parametrize("name", QUALIFIERS)
@pytest.mark.django_db
def test_every_example_under_the_box_is_understood(name: str) -> None:
    make_client("Report agent")
    example = QUALIFIERS[name].example
    assert example.startswith(f"{name}:")
    assert interpret(example, context()).problems == () or "…" in example


@pytest.mark.database
class AnyText(TestCase):
    @given(
        st.text(st.characters() | st.sampled_from(':",-*? \\'), max_size=60)
        | st.builds("{}:{}".format, st.sampled_from(list(QUALIFIERS)), st.text(max_size=30))
    )
    def test_no_text_breaks_a_search(self, text: str) -> None:
        search: Search = interpret(text, context())
        list(left_by(CallRecord.objects.all(), search.filters)[:1])
