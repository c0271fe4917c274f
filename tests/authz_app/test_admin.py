"""The admin pages of clients, rules and call records."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from allauth.idp.oidc.models import Client as OAuthApplication
from allauth.idp.oidc.models import Token
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from authz_app.core.ids import first_id_at
from authz_app.embedded_issuer.subjects import user_subject
from authz_app.models import CallRecord, Client, Rule, User
from authz_app.pages.shared import words
from authz_app.pages.start import notices
from authz_app.policy.decision import Reason
from authz_app.policy_store import tool_names
from authz_app.record_search.filters import by_kind
from authz_app.record_search.paging import left_by
from tests.rows import build_record, build_refusal, make_client, make_rule, record_id_at

CLIENTS = "/admin/authz_app/client/"
RULES = "/admin/authz_app/rule/"
RECORDS = "/admin/authz_app/callrecord/"
HOSTILE = "</pre><script>alert(1)</script>"

pytestmark = pytest.mark.django_db


def staff(client: Browser, *codenames: str) -> Browser:
    """Sign in as somebody who has these permissions and no others."""
    user = User.objects.create_user("clerk", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def rule_form(**fields: Any) -> dict[str, Any]:
    form = {"effect": "allow", "applies_to": "these", "tools": "TimeTool", "token_scopes": "", "note": ""}
    return {**form, "enabled": "on", **fields}


def text(response: Any) -> str:
    return str(response.content.decode())


# The start page and the sidebar


def test_start_page_says_that_there_are_no_rules_and_no_calls_yet(admin_client: Browser) -> None:
    page = text(admin_client.get("/admin/"))
    assert "No rule is switched on" in page
    assert "No calls yet: connect a client to" in page


def test_start_page_names_pending_clients_and_refused_calls(admin_client: Browser) -> None:
    pending = make_client("Newcomer", status=Client.Status.PENDING)
    build_refusal(pending, tool="weather_tool", reason="client_pending").save()
    page = text(admin_client.get("/admin/"))
    assert f"{CLIENTS}{pending.pk}/change/" in page
    assert "weather_tool" in page
    assert "Client pending" in page


def test_start_page_tells_what_is_wrong_with_the_site(admin_client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_sources", [lambda: ["It rains <in>."], lambda: []])
    assert "<p>It rains &lt;in&gt;.</p>" in text(admin_client.get("/admin/"))
    monkeypatch.setattr(notices, "_sources", [lambda: []])
    assert "Not as it should be" not in text(admin_client.get("/admin/"))


def test_start_page_shows_nothing_that_the_person_may_not_see(client: Browser) -> None:
    pending = make_client("Newcomer", status=Client.Status.PENDING)
    build_refusal(pending).save()
    page = text(staff(client).get("/admin/"))
    assert "Newcomer" not in page
    assert "Call records" not in page
    assert "How to connect" in page


def test_sidebar_has_the_groups_in_their_order(admin_client: Browser) -> None:
    page = text(admin_client.get("/admin/"))
    links = ["client/", "rule/", "tool/", "callrecord/", "mcpsession/", "user/", "group/"]
    places = [page.index(f'{link}" class="flex') for link in links]
    assert places == sorted(places)


@pytest.mark.parametrize("path", [CLIENTS, RULES, RECORDS, "/admin/authz_app/user/", "/admin/auth/group/"])
def test_every_list_needs_its_permission(client: Browser, path: str) -> None:
    assert staff(client).get(path).status_code == 403


# Clients


def test_blocking_clients_says_what_follows_and_notes_who_did_it(admin_client: Browser, admin_user: User) -> None:
    active, blocked = make_client("Active"), make_client("Blocked", status=Client.Status.BLOCKED)
    chosen = {"action": "block", "_selected_action": [active.pk, blocked.pk]}
    page = text(admin_client.post(CLIENTS, chosen, follow=True))
    assert "Now blocked: Active. Every call of theirs is refused from now on" in page
    assert set(Client.objects.values_list("status", flat=True)) == {"blocked"}
    assert [entry.object_repr for entry in LogEntry.objects.filter(user=admin_user)] == ["Active"]


def test_making_active_what_is_active_changes_nothing(admin_client: Browser) -> None:
    active = make_client()
    page = text(admin_client.post(CLIENTS, {"action": "make_active", "_selected_action": [active.pk]}, follow=True))
    assert "Nothing changed: already active." in page
    assert not LogEntry.objects.exists()


def test_viewing_clients_does_not_offer_to_block_them(client: Browser) -> None:
    target = make_client()
    browser = staff(client, "view_client")
    browser.post(CLIENTS, {"action": "block", "_selected_action": [target.pk]})
    target.refresh_from_db()
    assert target.status == Client.Status.ACTIVE


def test_issuer_and_subject_cannot_be_changed_after_creation(admin_client: Browser) -> None:
    target = make_client()
    fields = {"name": "Renamed", "status": "active", "kind": "service", "issuer": "https://evil.example/"}
    admin_client.post(f"{CLIENTS}{target.pk}/change/", {**fields, "subject": "other"})
    found = Client.objects.get(pk=target.pk)
    assert (found.name, found.issuer, found.subject) == ("Renamed", target.issuer, target.subject)


def test_a_client_can_be_added_beforehand(admin_client: Browser) -> None:
    fields = {"name": "Soon", "status": "active", "kind": "service", "issuer": "http://testserver", "subject": "soon"}
    admin_client.post(f"{CLIENTS}add/", fields)
    assert Client.objects.get().subject == "soon"


def test_the_page_of_a_client_shows_its_rules_and_its_last_calls(admin_client: Browser) -> None:
    target, other = make_client("Report agent"), make_client("Other")
    rule = make_rule(target, tools="weather_*")
    record, others = build_record(target), build_record(other)
    CallRecord.objects.bulk_create([record, others])
    page = text(admin_client.get(f"{CLIENTS}{target.pk}/change/"))
    assert f'<a href="{RULES}{rule.pk}/change/">Allow Report agent to call weather_*.</a>' in page
    assert str(record.pk) in page
    assert str(others.pk) not in page


def test_the_page_of_a_client_hides_calls_from_those_who_may_not_read_records(client: Browser) -> None:
    target = make_client()
    record = build_record(target)
    record.save()
    assert str(record.pk) not in text(staff(client, "change_client").get(f"{CLIENTS}{target.pk}/change/"))


@pytest.mark.parametrize("status", [Client.Status.ACTIVE, Client.Status.BLOCKED])
def test_a_client_that_a_rule_names_is_not_deleted_and_the_page_says_why(admin_client: Browser, status: str) -> None:
    target = make_client("Report agent", status=status)
    make_rule(target)
    delete = f"{CLIENTS}{target.pk}/delete/"
    why = "Report agent is named by a rule, which would come to mean something else: Allow Report agent to call"
    assert why in text(admin_client.get(delete))
    admin_client.post(delete, {"post": "yes"})
    assert Client.objects.filter(pk=target.pk).exists()


def test_a_blocked_client_is_not_deleted_and_the_page_says_why(admin_client: Browser) -> None:
    target = make_client("Scraper", status=Client.Status.BLOCKED)
    delete = f"{CLIENTS}{target.pk}/delete/"
    assert "its next call would register it anew, and not as blocked." in text(admin_client.get(delete))
    admin_client.post(delete, {"post": "yes"})
    assert Client.objects.filter(pk=target.pk).exists()


def test_deleting_many_clients_deletes_none_if_one_is_blocked(admin_client: Browser) -> None:
    free, blocked = make_client("Free"), make_client("Scraper", status=Client.Status.BLOCKED)
    chosen = {"action": "delete_selected", "_selected_action": [free.pk, blocked.pk]}
    assert "Scraper is blocked." in text(admin_client.post(CLIENTS, chosen))
    admin_client.post(CLIENTS, {**chosen, "post": "yes"})
    assert Client.objects.count() == 2


def test_a_client_that_nothing_holds_is_deleted(admin_client: Browser) -> None:
    target = make_client()
    admin_client.post(f"{CLIENTS}{target.pk}/delete/", {"post": "yes"})
    assert not Client.objects.exists()


def test_queryset_delete_keeps_blocked_clients() -> None:
    make_client(status=Client.Status.BLOCKED)
    with pytest.raises(ProtectedError), transaction.atomic():
        Client.objects.all().delete()
    assert Client.objects.count() == 1


def test_an_instance_that_was_read_before_the_block_does_not_get_round_it() -> None:
    target = make_client()
    Client.objects.update(status=Client.Status.BLOCKED)
    with pytest.raises(ProtectedError), transaction.atomic():
        target.delete()
    assert Client.objects.exists()


# Rules


def test_a_rule_is_saved_with_its_clients_and_tidied(admin_client: Browser) -> None:
    first, second = make_client("First"), make_client("Second")
    fields = rule_form(
        for_clients=[first.pk, second.pk], tools=" TimeTool \n\nweather_*\nTimeTool", token_scopes="b a b"
    )
    admin_client.post(f"{RULES}add/", fields)
    rule = Rule.objects.get()
    assert set(rule.clients.all()) == {first, second}
    assert (rule.tools, rule.token_scopes) == ("TimeTool\nweather_*", "b a")


def test_choosing_every_client_forgets_the_named_ones(admin_client: Browser) -> None:
    named = make_client()
    rule = make_rule(named)
    fields = rule_form(applies_to="every", for_clients=[named.pk])
    admin_client.post(f"{RULES}{rule.pk}/change/", fields)
    rule.refresh_from_db()
    assert rule.sentence() == "Allow every client to call TimeTool."
    assert not rule.clients.exists()


def test_taking_the_last_client_out_leaves_a_rule_for_nobody(admin_client: Browser) -> None:
    rule = make_rule(make_client())
    admin_client.post(f"{RULES}{rule.pk}/change/", rule_form())
    assert Rule.objects.get().sentence() == "Allow nobody: no client is named."


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("tools", "Time Tool", "Time Tool is no name"),
        ("tools", "a,b", "a,b is no name"),
        ("tools", "x" * 129, "128 characters at most"),
        ("token_scopes", 'a"b', "is no token scope"),
        ("token_scopes", "a\\b", "is no token scope"),
        ("token_scopes", "größe", "is no token scope"),
    ],
)
def test_what_no_name_and_no_token_scope_can_be_is_not_saved(
    admin_client: Browser, field: str, value: str, complaint: str
) -> None:
    assert complaint in text(admin_client.post(f"{RULES}add/", rule_form(**{field: value})))
    assert not Rule.objects.exists()


def test_switching_a_deny_rule_off_warns(admin_client: Browser) -> None:
    rule = make_rule(make_client(), effect=Rule.Effect.DENY)
    page = text(admin_client.post(RULES, {"action": "switch_off", "_selected_action": [rule.pk]}, follow=True))
    assert f"Now off: Rule {rule.pk}." in page
    assert "Switching off a deny rule may allow calls that it denied." in page
    assert not Rule.objects.get().enabled


def test_deleting_a_rule_shows_its_sentence_first(admin_client: Browser) -> None:
    rule = make_rule(make_client("Report agent"), effect=Rule.Effect.DENY)
    page = text(admin_client.get(f"{RULES}{rule.pk}/delete/"))
    assert "Deny Report agent to call TimeTool. Without it, calls that it denied may be allowed." in page


def sentence_of(browser: Browser, **fields: Any) -> Any:
    response = browser.post(f"{RULES}sentence/", rule_form(**fields))
    assert response.status_code == 200
    return response.json()


def test_the_sentence_follows_the_form_and_nothing_is_saved(admin_client: Browser) -> None:
    named = make_client("Report agent")
    answer = sentence_of(admin_client, effect="deny", for_clients=[named.pk], token_scopes="time", tools="*")
    assert answer["sentence"] == "Deny Report agent to call every tool, with the token scope time."
    assert not Rule.objects.exists()


def test_the_sentence_is_that_of_the_saved_rule(admin_client: Browser) -> None:
    clients = [make_client(f"Client {n}") for n in range(7)]
    fields = {"for_clients": [client.pk for client in clients], "tools": "b\na", "token_scopes": "x y"}
    shown = sentence_of(admin_client, **fields)["sentence"]
    admin_client.post(f"{RULES}add/", rule_form(**fields))
    assert Rule.objects.get().sentence() == shown


def test_the_sentence_warns_of_what_matches_no_tool(admin_client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [("tool", "TimeTool"), ("tool", "weather_tool"), ("prompt", "timely")]
    monkeypatch.setattr(tool_names, "_sources", [lambda: known])
    answer = sentence_of(admin_client, applies_to="every", tools="TimeTool\nweather_*\ntime*")
    assert answer["warnings"] == ["time* matches no registered tool."]
    answer = sentence_of(admin_client, applies_to="every", kind="prompt", tools="TimeTool\ntime*")
    assert answer["warnings"] == ["TimeTool matches no registered prompt."]
    answer = sentence_of(admin_client, applies_to="every", kind="all", tools="TimeTool\ntime*\nx")
    assert answer["warnings"] == ["x matches no registered tool, resource or prompt."]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("", "Allow every client to call TimeTool."),
        ("tool", "Allow every client to call TimeTool."),
        ("resource", "Allow every client to read the resource TimeTool."),
        ("prompt", "Allow every client to use the prompt TimeTool."),
        ("all", "Allow every client to use the tool, resource or prompt TimeTool."),
    ],
)
def test_the_sentence_says_of_what_kind_the_names_are(admin_client: Browser, kind: str, sentence: str) -> None:
    assert sentence_of(admin_client, applies_to="every", kind=kind)["sentence"] == sentence
    admin_client.post(f"{RULES}add/", rule_form(applies_to="every", kind=kind))
    assert Rule.objects.get().kind == (kind or "tool")


def test_the_sentence_warns_of_a_rule_that_is_off(admin_client: Browser) -> None:
    assert "It is switched off, so it decides nothing." in sentence_of(admin_client, enabled="")["warnings"]


def test_a_form_that_cannot_be_saved_has_no_sentence_but_says_why(admin_client: Browser) -> None:
    answer = sentence_of(admin_client, tools="Time Tool", for_clients=["nonsense"])
    assert answer["sentence"] == ""
    assert [warning.split(":")[0] for warning in answer["warnings"]] == ["Clients", "Names"]


def test_the_sentence_is_only_for_those_who_edit_rules(client: Browser) -> None:
    response = staff(client, "view_rule").post(f"{RULES}sentence/", rule_form())
    assert response.status_code == 403


def test_the_sentence_is_not_for_strangers_and_not_by_get(client: Browser, admin_client: Browser) -> None:
    assert client.post(f"{RULES}sentence/", rule_form()).status_code == 302
    assert admin_client.get(f"{RULES}sentence/").status_code == 405


def test_who_may_only_view_rules_sees_the_sentence_and_no_form(client: Browser) -> None:
    rule = make_rule(make_client("Report agent"))
    page = text(staff(client, "view_rule").get(f"{RULES}{rule.pk}/change/"))
    assert "Allow Report agent to call TimeTool." in page
    assert 'name="tools"' not in page


# Call records


@pytest.mark.parametrize("path", ["add/", "{}/delete/"])
def test_nobody_adds_or_deletes_records(admin_client: Browser, path: str) -> None:
    record = build_record(make_client())
    record.save()
    assert admin_client.post(RECORDS + path.format(record.pk), {"post": "yes"}).status_code == 403
    assert CallRecord.objects.exists()


def test_nobody_changes_records(admin_client: Browser) -> None:
    record = build_record(make_client())
    record.save()
    assert admin_client.post(f"{RECORDS}{record.pk}/change/", {"tool": "other"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [record.pk], "post": "yes"}
    admin_client.post(RECORDS, chosen)
    assert CallRecord.objects.get().tool == "TimeTool"


def test_a_record_tells_its_story(admin_client: Browser) -> None:
    caller = make_client("Report agent")
    rule = make_rule(caller)
    rules = [{"id": rule.pk, "sentence": "As it was."}, {"id": 10**6, "sentence": "Since deleted."}]
    record = build_record(caller, rules=json.dumps(rules))
    record.save()
    page = text(admin_client.post(f"/admin/records/{record.pk}/look/", follow=True))
    for part in (
        "Report agent called TimeTool, which was allowed. Outcome: OK after 3.2 ms.",
        f'<a href="{CLIENTS}{caller.pk}/change/">Report agent</a>',
        "unverified",
        "&quot;input_timezone&quot;: &quot;Europe/Berlin&quot;",
        "A rule allows this, and no rule denies it.",
        "<span>As it was.</span>",
        f'<a href="{RULES}{rule.pk}/change/">as it is now</a>',
        "Rule 1000000: when it became so is not in the history",
        "deleted since",
        "203.0.113.7",
    ):
        assert part in page


def test_a_denied_record_has_no_run(admin_client: Browser) -> None:
    record = build_refusal(make_client("Report agent"), tool="rm", reason="unknown_tool")
    record.save()
    page = text(admin_client.get(f"{RECORDS}{record.pk}/change/"))
    assert "Report agent asked to call rm and was refused. No tool of this name was registered." in page
    assert "Duration" not in page


def test_a_record_outlives_its_client(admin_client: Browser) -> None:
    caller = make_client("Report agent")
    record = build_record(caller)
    record.save()
    caller.delete()
    page = text(admin_client.get(f"{RECORDS}{record.pk}/change/"))
    assert "Report agent" in page
    assert "deleted since" in page


def test_hostile_content_is_shown_and_not_run(admin_client: Browser) -> None:
    caller = make_client(HOSTILE)
    strange = f"{HOSTILE}\u202e\x1b[2J"
    record = build_record(
        caller,
        tool=strange,
        arguments=json.dumps({"a": strange}),
        rules=json.dumps([{"id": 1, "sentence": strange}]),
        error=strange,
        **dict.fromkeys(("oauth_client_id", "token_scopes", "client_software", "address", "mcp_session"), HOSTILE),
    )
    refusal = build_refusal(caller, tool=strange)
    CallRecord.objects.bulk_create([record, refusal])
    pages = [RECORDS, f"{RECORDS}{record.pk}/change/", f"{CLIENTS}{caller.pk}/change/", CLIENTS, "/admin/"]
    for path in pages:
        page = text(admin_client.get(path))
        assert "<script>alert(1)" not in page, path
        assert "&lt;script&gt;alert(1)" in page, path
    assert "\\u202e\\u001b[2J" in text(admin_client.get(RECORDS))


def test_unreadable_json_in_a_record_is_shown_as_it_is(admin_client: Browser) -> None:
    record = build_record(make_client(), arguments="{broken", rules="{broken")
    record.save()
    assert "{broken" in text(admin_client.post(f"/admin/records/{record.pk}/look/", follow=True))


def found(browser: Browser, query: str) -> list[str]:
    """The tools of the records on the first page."""
    response = browser.get(f"{RECORDS}?{query}")
    assert response.status_code == 200
    return [record.tool for record in response.context["cl"].result_list]


def test_records_are_listed_newest_first(admin_client: Browser) -> None:
    caller = make_client()
    CallRecord.objects.bulk_create(
        [build_record(caller, timedelta(minutes=minutes), tool=f"t{minutes}") for minutes in (2, 0, 1)]
    )
    assert found(admin_client, "") == ["t0", "t1", "t2"]


def test_records_are_filtered(admin_client: Browser) -> None:
    one, two = make_client("One"), make_client("Two")
    hour = timedelta(hours=1)
    past = timezone.now() - hour
    open_call = {"outcome": "", "duration_ms": None}
    CallRecord.objects.bulk_create(
        [
            build_record(one, tool="ok"),
            build_record(two, 3 * hour, tool="crashed", outcome="crashed"),
            build_refusal(one, tool="denied", reason="deny_rule"),
            build_record(one, tool="running", **open_call),
            build_record(one, 30 * hour, tool="lost", **open_call | {"deadline": past}),
            build_record(one, 40 * hour, tool="unknown", outcome="unknown"),
        ]
    )

    def tools(query: str) -> set[str]:
        return set(found(admin_client, query))

    assert tools(f"client={two.pk}") == {"crashed"}
    assert tools("tool=ok") == {"ok"}
    assert tools("decision=denied") == {"denied"}
    assert tools("reason=deny_rule") == {"denied"}
    assert tools("outcome=crashed") == {"crashed"}
    assert tools("outcome=running") == {"running"}
    assert tools("outcome=unknown") == {"lost", "unknown"}
    assert tools("since=hour") == {"ok", "denied", "running"}
    assert tools("since=day") == {"ok", "denied", "running", "crashed"}
    assert tools("since=week&client=" + str(one.pk)) == {"ok", "denied", "running", "lost", "unknown"}


@pytest.mark.parametrize(
    "query",
    [
        "client=x",
        "client=-1",
        f"client={10**30}",
        f"client={'9' * 5000}",
        "client=²",
        "tool=%00",
        "reason=%00x",
        "session=%00x",
        "since=x",
        "outcome=x",
        "q=%00",
    ],
)
def test_a_nonsense_filter_finds_nothing_and_breaks_nothing(admin_client: Browser, query: str) -> None:
    build_record(make_client()).save()
    response = admin_client.get(f"{RECORDS}?{query}")
    assert response.status_code == 200
    assert not response.context["cl"].result_list


def test_records_are_searched_by_id_subject_and_client_name(admin_client: Browser) -> None:
    one, two = make_client("Report agent", subject="abc@clients"), make_client("Other")
    first, second = build_record(one, tool="one"), build_record(two, tool="two")
    CallRecord.objects.bulk_create([first, second])
    assert found(admin_client, f"q={first.pk}") == ["one"]
    assert found(admin_client, f"q={second.pk.hex}") == ["two"]
    assert found(admin_client, "q=abc@clients") == ["one"]
    assert found(admin_client, "q=report") == ["one"]
    assert found(admin_client, "q=agent") == []


def test_empty_lists_say_what_will_fill_them(admin_client: Browser) -> None:
    assert "No calls yet" in text(admin_client.get(RECORDS))
    assert "No rules yet" in text(admin_client.get(RULES))
    assert "No clients yet" in text(admin_client.get(CLIENTS))
    assert "Nothing matches" in text(admin_client.get(f"{RECORDS}?tool=x"))


def test_a_page_beyond_the_last_says_so(admin_client: Browser) -> None:
    build_record(make_client()).save()
    assert "There are no more." in text(admin_client.get(f"{RECORDS}?before={UUID(int=0)}"))


@pytest.mark.parametrize(
    ("path", "most"),
    [(CLIENTS, 12), (RULES, 9), (RECORDS, 7), ("/admin/", 12)],
)
def test_lists_take_no_query_per_row(
    admin_client: Browser, django_assert_max_num_queries: DjangoAssertNumQueries, path: str, most: int
) -> None:
    for number in range(12):
        caller = make_client(f"Client {number}")
        make_rule(caller)
        CallRecord.objects.bulk_create([build_record(caller), build_refusal(caller)])
    with django_assert_max_num_queries(most):
        admin_client.get(path)


def test_listing_records_counts_none(admin_client: Browser, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    CallRecord.objects.bulk_create(build_record(make_client(f"c{n}")) for n in range(3))
    with django_assert_num_queries(7) as captured:  # One asks whether all calls are stopped.
        admin_client.get(RECORDS)
    statements = [query["sql"] for query in captured.captured_queries if "callrecord" in query["sql"]]
    assert len(statements) == 2
    assert not any("COUNT" in statement or '"arguments"' in statement for statement in statements)


def test_records_of_one_session_are_reached_by_a_link(admin_client: Browser) -> None:
    caller = make_client()
    one, two = build_record(caller, tool="one", mcp_session="s1"), build_record(caller, tool="two", mcp_session="s2")
    CallRecord.objects.bulk_create([one, two, build_record(caller, tool="none", mcp_session="")])
    assert found(admin_client, "session=s1") == ["one"]
    assert found(admin_client, "session=s1&tool=two") == []
    page = text(admin_client.get(f"{RECORDS}{one.pk}/change/"))
    assert f'<a href="{RECORDS}?session=s1">Calls of this session</a>' in page
    assert "By MCP session" not in text(admin_client.get(RECORDS))


def test_records_are_narrowed_by_kind(admin_client: Browser) -> None:
    caller = make_client()
    kinds = ("tool", "resource", "prompt", "completion")
    CallRecord.objects.bulk_create(build_record(caller, kind=kind, tool=f"a_{kind}") for kind in kinds)
    for kind in kinds:
        assert found(admin_client, f"kind={kind}") == [f"a_{kind}"]
    assert found(admin_client, "kind=nonsense") == []


@pytest.mark.parametrize(
    ("kind", "shown", "allowed", "refused"),
    [
        ("tool", "order", "called order, which", "asked to call order and was refused. No tool of this name"),
        (
            "resource",
            "resource order",
            "read the resource order, which",
            "asked to read the resource order and was refused. No resource of this URI",
        ),
        ("prompt", "prompt order", "used the prompt order, which", "asked to use the prompt order and was refused."),
        ("completion", "completion for order", "asked for completions for order, which", "No prompt or resource"),
    ],
)
def test_a_record_says_what_kind_of_thing_was_asked_for(
    admin_client: Browser, kind: str, shown: str, allowed: str, refused: str
) -> None:
    caller = make_client("Report agent")
    ran = build_record(caller, kind=kind, tool="order")
    denied = build_refusal(caller, kind=kind, tool="order", reason="unknown_tool")
    CallRecord.objects.bulk_create([ran, denied])
    assert f">{shown}<" in text(admin_client.get(RECORDS)).replace("\n", "").replace("  ", "")
    assert f"Report agent {allowed} was allowed." in text(admin_client.get(f"{RECORDS}{ran.pk}/change/"))
    assert refused in text(admin_client.get(f"{RECORDS}{denied.pk}/change/"))


@pytest.mark.database
def test_records_of_anything_but_tools_are_found_by_an_index() -> None:
    query = left_by(CallRecord.objects.order_by("-id"), [by_kind(["prompt"])])[:50]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = on")
    assert "record_kind" in query.explain()


@pytest.mark.database
def test_the_records_of_one_session_are_found_by_an_index() -> None:
    query = CallRecord.objects.filter(mcp_session="s1").order_by("-id")[:50]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    assert "record_session" in query.explain()


def test_a_result_that_did_not_arrive_is_told_in_the_list_and_on_the_page(admin_client: Browser) -> None:
    caller = make_client("Report agent")
    lost = build_record(caller, undelivered=True)
    CallRecord.objects.bulk_create([lost, build_record(caller)])
    assert text(admin_client.get(RECORDS)).count("OK, not delivered") == 1
    page = text(admin_client.get(f"{RECORDS}{lost.pk}/change/"))
    assert "Outcome: OK after 3.2 ms. The result did not reach the caller, as far as the worker knows." in page
    assert "OK, not delivered" in page
    assert "OK, not delivered" in text(admin_client.get(f"{CLIENTS}{caller.pk}/change/"))


def test_every_reason_has_words() -> None:
    assert {value for value, _ in words.reason_choices()} == set(Reason)


def test_record_ids_of_a_moment_begin_with_its_first() -> None:
    moment = timezone.now()
    earlier = moment - timedelta(milliseconds=2)
    assert record_id_at(earlier) < first_id_at(moment) <= record_id_at(moment)


# The embedded issuer and people


def test_an_oauth_application_is_called_so_and_its_secret_is_shown_once(admin_client: Browser) -> None:
    path = "/admin/allauth_idp_oidc/client/"
    fields = {"id": "reports", "name": "Reports", "type": "confidential", "grant_types": "client_credentials"}
    page = text(admin_client.post(f"{path}add/", {**fields, "response_types": "code"}, follow=True))
    assert "The OAuth application “" in page
    assert "The client secret, shown this once:" in page
    secret = page.split("<code>")[1].split("</code>")[0]
    assert secret not in text(admin_client.get(path))
    change = text(admin_client.get(f"{path}reports/change/"))
    assert secret not in change
    assert "pbkdf2" not in change
    assert "md5$" not in change


APPLICATIONS = "/admin/allauth_idp_oidc/client/"


def self_registered(name: str = "Claude Code", **fields: Any) -> OAuthApplication:
    usual = {"grant_types": "authorization_code\nrefresh_token", "data": {"dcr": True}}
    application: OAuthApplication = OAuthApplication.objects.create(**{"pk": name, "name": name, **usual, **fields})
    return application


def test_what_registered_itself_is_told_from_what_administrators_registered(admin_client: Browser) -> None:
    self_registered()
    self_registered("https://app.example/me.json", data={"cimd": True})
    OAuthApplication.objects.create(pk="desk", name="Desk")
    for chosen, names in {
        "itself": {"Claude Code"},
        "document": {"https://app.example/me.json"},
        "here": {"Desk"},
    }.items():
        page = text(admin_client.get(f"{APPLICATIONS}?registered={chosen}"))
        assert {name for name in ("Claude Code", "https://app.example/me.json", "Desk") if f">{name}<" in page} == names
    assert "nobody has checked them" in text(admin_client.get(f"{APPLICATIONS}Claude Code/change/"))


def test_an_application_that_is_switched_off_gets_nothing_until_it_is_on_again(admin_client: Browser) -> None:
    application = self_registered()
    token = Token.objects.create(type=Token.Type.REFRESH_TOKEN, client=application, hash="0")
    chosen = {"_selected_action": [application.pk]}
    page = text(admin_client.post(APPLICATIONS, {"action": "switch_off", **chosen}, follow=True))
    assert "Now off: Claude Code. They get no further tokens." in page
    application.refresh_from_db()
    assert not application.get_grant_types()
    assert not Token.objects.filter(pk=token.pk).exists()
    assert admin_client.get(f"{APPLICATIONS}{application.pk}/change/").status_code == 200
    page = text(admin_client.post(APPLICATIONS, {"action": "switch_off", **chosen}, follow=True))
    assert "Nothing changed: already off." in page
    admin_client.post(APPLICATIONS, {"action": "switch_on", **chosen})
    application.refresh_from_db()
    assert application.get_grant_types() == ["authorization_code", "refresh_token"]
    assert application.data == {"dcr": True}


def test_what_an_application_calls_itself_is_shown_as_text(admin_client: Browser) -> None:
    self_registered("<script>\u202e", pk="hostile")
    for path in (APPLICATIONS, f"{APPLICATIONS}hostile/change/", f"{APPLICATIONS}hostile/delete/"):
        assert "<script>\\u202e" not in admin_client.get(path).content.decode()
    assert "\u202e" not in admin_client.get(APPLICATIONS).content.decode()


def test_whoever_deactivates_a_person_is_told_of_the_tokens_that_are_out(admin_client: Browser) -> None:
    dana = User.objects.create_user("dana", password="x")
    client = make_client("Dana", issuer="http://testserver", subject=user_subject(dana))
    path = f"/admin/authz_app/user/{dana.pk}/change/"
    fields = {"username": "dana", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    page = text(admin_client.post(path, {**fields, "is_active": ""}, follow=True))
    assert "No access token is issued for dana any more" in page
    assert f"/admin/authz_app/client/{client.pk}/change/" in page
    dana.refresh_from_db()
    assert not dana.is_active


def test_people_and_groups_have_pages(admin_client: Browser, admin_user: User) -> None:
    assert admin_client.get(f"/admin/authz_app/user/{admin_user.pk}/change/").status_code == 200
    assert admin_client.get("/admin/authz_app/user/add/").status_code == 200
    assert admin_client.get("/admin/auth/group/add/").status_code == 200


def test_a_refused_session_is_told_as_one(admin_client: Browser) -> None:
    refused = build_refusal(make_client(), kind="session", tool="", reason=Reason.CLIENT_BLOCKED)
    refused.save()
    page = admin_client.get(f"{RECORDS}{refused.pk}/change/").content.decode()
    assert "asked for an MCP session and was refused. The client was blocked" in page
    assert "(MCP session)" in admin_client.get(RECORDS).content.decode()
    assert "(MCP session)" in admin_client.get("/admin/").content.decode()
