"""Fill a migrated scratch database with rows to look at.

`DATABASE_URL=sqlite:////tmp/x.sqlite3 python -m tests.browser.demo`
"""

import json
import os
from datetime import timedelta
from typing import Any

import django
from django.utils import timezone

ADMIN, PASSWORD = "admin", "correct horse battery"
# Signs in with the same password, and is no administrator.
PERSON = "dana"


def fill() -> None:
    from authz_app.models import CallRecord, Client, Rule, User  # noqa: PLC0415
    from authz_app.policy.condition_syntax import stored, typed_line  # noqa: PLC0415  (Django is set up by now)
    from tests.browser.person_rows import fill_for_person  # noqa: PLC0415
    from tests.rows import build_record, build_refusal, make_client, make_rule  # noqa: PLC0415
    from tools_app.models import Tool  # noqa: PLC0415

    User.objects.create_superuser(ADMIN, "admin@example.com", PASSWORD)
    for name, description, gone in (
        ("TimeTool", "Say what time it is.\n\nIn any IANA time zone.", False),
        ("weather_tool", "Say what the weather is like at a place.", False),
        ("tickets_search", "Search the support tickets.", False),
        ("tickets_close", "Close a support ticket, with a note that the customer is sent by e-mail at once.", False),
        ("old_report", "Build the monthly report.", True),
    ):
        Tool.objects.update_or_create(
            name=name, defaults={"description": description, "module": "demo.mcp_tools", "gone": gone}
        )
    for kind, name, description in (
        ("resource", "ticket", "One support ticket, by its number."),
        ("prompt", "apology", "Ask for an apology to a customer, in a tone of choice."),
    ):
        Tool.objects.update_or_create(
            kind=kind, name=name, defaults={"description": description, "module": "demo.mcp_tools"}
        )
    Tool.objects.filter(name="tickets_close").update(enabled=False, recorded=Tool.Recorded.METADATA)
    Tool.objects.filter(name="tickets_search").update(
        recorded=Tool.Recorded.RESULT, redacted="customer.iban\nfound.*.card"
    )

    reports = make_client("Report agent", notes="Runs nightly. Ask Dana.")
    support = make_client("Support copilot", kind=Client.Kind.SERVICE)
    dana = make_client("Dana Whitfield", subject="auth0|65f1c0ffee", kind=Client.Kind.PERSON)
    rogue = make_client("Scraper", status=Client.Status.BLOCKED)
    make_client("", subject="kQ81hTn2@clients", status=Client.Status.PENDING)
    make_client("Invoice bot", status=Client.Status.PENDING, issuer="https://login.example.org/realms/main")

    time = make_rule(reports, support, note="Agreed in the June review.")
    make_rule(applies_to=Rule.AppliesTo.EVERY_CLIENT, tools="weather_*", token_scopes="weather")
    make_rule(support, dana, tools="tickets_search\ntickets_close", token_scopes="tickets:read tickets:write")
    deny = make_rule(reports, effect=Rule.Effect.DENY, tools="tickets_*", note="Reports must not see customers.")
    make_rule(rogue, tools="*", enabled=False)
    make_rule(tools="TimeTool", note="Nobody yet.")
    asks = [typed_line(line) for line in ("arguments.query glob order*", 'claims."https://example.com/roles" exists')]
    now = timezone.now()
    window = {"valid_from": now, "valid_until": now + timedelta(hours=8)}
    make_rule(dana, tools="tickets_search", conditions=stored(asks), **window, note="For the audit, tonight.")
    make_rule(
        applies_to=Rule.AppliesTo.EVERY_CLIENT,
        effect=Rule.Effect.LIMIT,
        tools="*",
        limit_calls=100,
        limit_period=Rule.Period.MINUTE,
        limit_per=Rule.Per.CLIENT,
    )
    make_rule(support, dana, kind=Rule.Kind.RESOURCE, tools="ticket")
    make_rule(applies_to=Rule.AppliesTo.EVERY_CLIENT, kind=Rule.Kind.PROMPT, tools="apology")

    minute = timedelta(minutes=1)
    by_time = json.dumps([{"id": time.pk, "sentence": time.sentence()}])
    by_deny = json.dumps([{"id": deny.pk, "sentence": deny.sentence()}])
    records = [build_record(reports, ago=i * minute, rules=by_time, duration_ms=2 + i % 7) for i in range(60)]
    records += [
        build_record(support, rules=by_time, outcome="", duration_ms=None, result_size=None),
        build_record(
            dana,
            ago=3 * minute,
            tool="tickets_search",
            arguments=json.dumps({"query": "refund", "filter": {"open": True, "tags": ["vip", "eu"]}, "limit": 20}),
            outcome=CallRecord.Outcome.TIMED_OUT,
            duration_ms=30_012,
            error="tickets_search did not end within 30 s.",
        ),
        build_record(
            dana,
            ago=4 * minute,
            tool="tickets_search",
            arguments=json.dumps({"query": "invoice"}),
            outcome=CallRecord.Outcome.CRASHED,
            duration_ms=41.2,
            error="KeyError: 'region'",
            undelivered=True,
        ),
        build_record(
            support,
            ago=9 * minute,
            outcome="",
            deadline=timezone.now(),
            duration_ms=None,
            result_size=None,
            rules=by_time,
        ),
        build_record(
            support, kind="resource", tool="ticket", arguments=json.dumps({"uri": "tickets://4711"}), rules=by_time
        ),
        build_record(support, kind="completion", tool="apology", rules=by_time),
        build_record(
            dana,
            ago=7 * minute,
            tool="tickets_search",
            arguments=json.dumps({"query": "card", "customer": {"name": "Ada", "iban": "[redacted]"}}),
            claims=json.dumps({"https://example.com/roles": ["support"]}),
            result=json.dumps({"structuredContent": {"found": [{"ticket": 4711, "card": "[redacted]"}]}}),
            rules=by_time,
        ),
        build_record(dana, ago=8 * minute, tool="tickets_close", arguments="", outcome="tool_error", rules=by_time),
        build_refusal(support, kind="prompt", tool="greeting", reason="unknown_tool", arguments="{}"),
        build_refusal(reports, ago=minute / 2, tool="tickets_search", reason="deny_rule", rules=by_deny),
        build_refusal(rogue, ago=minute, tool="weather_tool", reason="client_blocked"),
        build_refusal(support, ago=2 * minute, tool="weather_tool", reason="scope_missing"),
        build_refusal(dana, ago=5 * minute, tool="TimeTool"),
        build_refusal(
            dana,
            ago=6 * minute,
            tool="<script>alert(1)</script>" + "long_" * 18,
            reason="unknown_tool",
            client_software="evil\u202e 1.0",
            arguments=json.dumps({"x": "</pre><img src=x onerror=alert(1)>" + "y" * 400}),
        ),
    ]
    for number in range(30):
        scopes = ("time", "time openid profile")[number % 2]
        records.append(build_refusal(dana, ago=(10 + number) * minute, token_scopes=scopes))
    CallRecord.objects.bulk_create(records)
    _change_policy(time, deny, rogue)
    fill_for_person(PERSON, PASSWORD)


def _change_policy(time: Any, deny: Any, rogue: Any) -> None:
    """What there is to see in the policy history, by several people."""
    from authz_app.core import actor  # noqa: PLC0415  (Django is set up by now)
    from authz_app.models import Client, Rule  # noqa: PLC0415
    from tools_app.models import Tool  # noqa: PLC0415

    with actor.acting(actor.user("dana")):
        Rule.objects.filter(pk=time.pk).update(
            effect=Rule.Effect.DENY, tools="TimeTool\ntickets_*", token_scopes="time"
        )
        time.clients.remove(time.clients.first())
        Client.objects.filter(pk=rogue.pk).update(name="Scraper of <b>old</b>\u202e", notes="Told twice.")
    with actor.acting(actor.command(["manage.py", "add_rule"])):
        Rule.objects.create(tools="\n".join(f"report_{number}" for number in range(12)), applies_to="every")
    with actor.acting(actor.user("a.very.long.name." * 6)):
        Tool.objects.filter(name="TimeTool").update(enabled=False)
        deny.note = "Reports must not see customers. Confirmed by the auditors in November."
        deny.save()
    Tool.objects.filter(name="TimeTool").update(enabled=True)
    Rule.objects.filter(note="Nobody yet.").delete()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcpsite.settings")
    django.setup()
    fill()
