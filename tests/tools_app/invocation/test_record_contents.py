"""How much of a call its record holds: as the function's author says, or as an administrator chose, from then on.

Covers: tools_app.invocation.crash_log
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from mcp.shared.exceptions import MCPError
from mcp_types import ImageContent, TextContent
from pydantic import BaseModel

from authz_app.models import CallRecord, Client, PolicyRevision, Rule
from authz_app.policy_store.loading import stored_version
from authz_app.policy_store.tables import table_of
from mcpsite.logs import LineFormatter
from tests.eventually import eventually
from tests.tools_app.desk import ISSUER, WAIT, Desk, Silent, alice, desk
from tools_app.errors import ToolFailure
from tools_app.invocation.access_request import (
    AccessRequest,
    prompt_completion,
    prompt_use,
    resource_completion,
    resource_read,
    tool_call,
)
from tools_app.invocation.invoke import invoke, record_blocked
from tools_app.models import Tool
from tools_app.protocol.subscriptions import subscription
from tools_app.registry import prompt, resource, tool, unregister
from tools_app.sessions.session import SessionStore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

HARMLESS = "correct horse"


class Customer(BaseModel):
    name: str
    iban: str


@pytest.fixture(autouse=True)
def offered() -> Iterator[None]:
    """A tool, a resource and a prompt of each level, and all may be used."""

    def pay(customer: Customer, how: str = "") -> dict[str, Any]:
        if how == "fail":
            raise ToolFailure(f"No account {customer.iban} of {customer.name}.")
        if how == "crash":
            raise RuntimeError(f"no route to {customer.iban}") from ValueError(customer.name)
        return {"customer": customer.model_dump(), "paid": True}

    def at(iban: str) -> str:
        return json.dumps({"customer": {"iban": iban}})

    def letter(iban: str) -> str:
        return f"Write to {iban}."

    for level in ("metadata", "arguments", "result"):
        tool(name=f"pay_{level}", record=level)(pay)  # type: ignore[call-overload]
        resource(f"{level}://{{iban}}", name=f"at_{level}", record=level)(at)  # type: ignore[arg-type]
        prompt(name=f"letter_{level}", record=level)(letter)  # type: ignore[call-overload]
    tool(name="pay_redacted", record="result", redact=["customer.iban"])(pay)
    resource("redacted://{iban}", name="at_redacted", record="result", redact=["iban", "customer.iban"])(at)
    prompt(name="letter_redacted", record="result", redact=["iban"])(letter)
    Rule.objects.create(tools="*", applies_to="every", kind="all")
    yield
    for level in ("metadata", "arguments", "result", "redacted"):
        unregister(f"pay_{level}")
        unregister(f"at_{level}", "resource")
        unregister(f"letter_{level}", "prompt")


def choose(name: str, kind: str = "tool", **fields: Any) -> None:
    """As an administrator does; ``migrate`` may have made the row."""
    Tool.objects.update_or_create({"module": "m", **fields}, kind=kind, name=name)


def used(here: Desk, access_request: AccessRequest) -> CallRecord:
    """The record of one use, however it went."""
    with suppress(MCPError):
        here.run(invoke(alice(), access_request, Silent(), here.dependencies))
    assert here.dependencies.audit.flush(WAIT)
    return CallRecord.objects.latest("id")


def pay(level: str, iban: str = "DE 7777", name: str = "Ada", how: str = "") -> AccessRequest:
    return tool_call(f"pay_{level}", {"customer": {"name": name, "iban": iban}, "how": how})


ASKING: dict[str, Callable[[str], AccessRequest]] = {
    "tool": pay,
    "resource": lambda level: resource_read(f"{level}://DE7777"),
    "prompt": lambda level: prompt_use(f"letter_{level}", {"iban": "DE7777"}),
}
DENYING: dict[str, Callable[[], object]] = {
    "allowed": lambda: None,
    "denied": lambda: Rule.objects.update(effect="deny"),
    "switched off": lambda: [
        choose(f"{name}_metadata", kind, enabled=False)
        for kind, name in (("tool", "pay"), ("resource", "at"), ("prompt", "letter"))
    ],
    "blocked": lambda: Client.objects.create(issuer=ISSUER, subject="alice", status="blocked"),
    "limited": lambda: Rule.objects.create(
        effect="limit", tools="*", kind="all", applies_to="every", limit_calls=1, limit_period="day", limit_per="client"
    ),
}


@pytest.mark.parametrize("denied", DENYING)
@pytest.mark.parametrize("kind", ASKING)
def test_metadata_alone_is_metadata_alone_also_where_it_is_denied(kind: str, denied: str) -> None:
    DENYING[denied]()
    with desk() as here:
        if denied == "limited":
            used(here, ASKING[kind]("metadata"))
        row = used(here, ASKING[kind]("metadata"))
    assert row.decision == ("allowed" if denied == "allowed" else "denied")
    assert (row.arguments, row.result) == ("", "")
    # Ids, times and addresses in memory may have any digits.
    told = [
        str(value) for name, value in vars(row).items() if name not in {"_state", "id", "at", "deadline", "duration_ms"}
    ]
    assert "7777" not in json.dumps(told)


@pytest.mark.parametrize("kind", ASKING)
def test_each_level_holds_what_it_says(kind: str) -> None:
    with desk() as here:
        metadata, arguments, result = (used(here, ASKING[kind](level)) for level in ("metadata", "arguments", "result"))
    assert [("7777" in row.arguments, "7777" in row.result) for row in (metadata, arguments, result)] == [
        (False, False),
        (True, False),
        (True, True),
    ]
    assert {row.outcome for row in (metadata, arguments, result)} == {"ok"}


@pytest.mark.parametrize("kind", ASKING)
def test_what_paths_lead_to_is_in_neither_arguments_nor_result(kind: str) -> None:
    with desk() as here:
        row = used(here, ASKING[kind]("redacted"))
    assert row.outcome == "ok" and row.result
    assert "7777" not in row.arguments + row.result
    assert "[redacted]" in row.arguments and "[redacted]" in row.result


def test_a_blocked_client_s_arguments_are_recorded_no_more_generously() -> None:
    Client.objects.create(issuer=ISSUER, subject="alice", status="blocked")
    with desk() as here:
        assert here.run(record_blocked(alice(), pay("metadata"), here.dependencies))
        assert here.record().arguments == ""


@pytest.mark.parametrize(
    ("making", "held"),
    [
        (lambda: tool_call("Pay-Metadata", {"customer": "DE7777"}), False),
        (lambda: resource_read("metadata://DE7777/more/of/it"), False),
        (lambda: resource_read("redacted://DE7777/more/of/it"), False),
        (lambda: tool_call("something_else", {"customer": "DE7777"}), True),
        (lambda: resource_read("other://DE7777"), True),
    ],
)
def test_of_what_does_not_exist_no_more_is_recorded_than_of_what_may_have_been_meant(
    making: Callable[[], AccessRequest], held: bool
) -> None:
    with desk() as here:
        row = used(here, making())
    assert row.reason == "unknown_tool"
    assert ("7777" in row.arguments + row.tool) is held


def test_an_administrator_s_choice_holds_for_what_is_not_registered_here() -> None:
    choose("elsewhere", recorded="metadata")
    with desk() as here:
        row = used(here, tool_call("elsewhere", {"customer": "DE7777"}))
    assert (row.reason, row.arguments) == ("unknown_tool", "")


@pytest.mark.parametrize("level", ["metadata", "redacted"])
@pytest.mark.parametrize("kind", ["prompt", "resource"])
def test_what_is_typed_for_a_completion_is_recorded_no_more_generously(kind: str, level: str) -> None:
    making = {
        "prompt": lambda: prompt_completion(f"letter_{level}", "iban", "DE7777", {"iban": "DE77778"}),
        "resource": lambda: resource_completion(f"{level}://{{iban}}", "iban", "DE7777", {"iban": "DE77778"}),
    }[kind]
    with desk() as here:
        row = used(here, making())
    assert (row.kind, row.outcome) == ("completion", "ok")
    assert "7777" not in row.arguments
    assert row.arguments == f'{{"of":"{kind}"}}' or level == "redacted"


def test_a_subscription_is_still_told_from_a_read() -> None:
    class Store(SessionStore):
        async def subscribe(self, *_: Any) -> bool:
            return True

    with desk() as here:
        row = used(here, subscription("metadata://DE7777", "key", object.__new__(_made(Store))))
    assert (row.outcome, row.arguments) == ("ok", '{"subscribe":true}')


def _made(store: Any) -> Any:
    """The class without what it has to have besides."""
    return type("Made", (store,), dict.fromkeys(store.__abstractmethods__, None))


@pytest.mark.parametrize("how", ["fail", "crash"])
@pytest.mark.parametrize("level", ["metadata", "redacted"])
def test_what_is_not_recorded_is_in_no_error_and_no_log(how: str, level: str, caplog: pytest.LogCaptureFixture) -> None:
    with desk() as here:
        row = used(here, pay(level, "DE 7777", HARMLESS, how))
    assert row.outcome == {"fail": "tool_error", "crash": "crashed"}[how]
    logged = "\n".join(LineFormatter().format(entry) for entry in caplog.records)
    assert "7777" not in row.error + row.result + logged
    assert (HARMLESS in row.error + logged) is (level == "redacted")
    if how == "crash":
        assert str(row.pk) in logged and "RuntimeError" in logged and "in pay" in logged


def test_a_crash_of_which_all_is_recorded_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with desk() as here:
        used(here, pay("arguments", how="crash"))
    (entry,) = [entry for entry in caplog.records if entry.levelno >= logging.ERROR]
    assert entry.exc_info and "no route to DE 7777" in LineFormatter().format(entry)


def test_a_password_in_the_arguments_is_taken_out_of_the_error_too() -> None:
    def sign_in(password: str) -> str:
        raise ToolFailure(f"Nobody has {password} here.")

    tool(sign_in)
    try:
        with desk() as here:
            row = used(here, tool_call("sign_in", {"password": HARMLESS}))
    finally:
        unregister("sign_in")
    assert row.error == "Nobody has [redacted] here."


def test_images_are_recorded_by_their_size_and_results_within_bounds() -> None:
    def draw(many: int) -> list[Any]:
        return [TextContent(type="text", text="x" * 900)] * many + [
            ImageContent(type="image", data="QUJD" * 10, mime_type="image/png")
        ]

    tool(record="result")(draw)
    try:
        with desk() as here:
            small, large = (used(here, tool_call("draw", {"many": many})) for many in (1, 50))
    finally:
        unregister("draw")
    assert json.loads(small.result)["content"][1]["data"] == "... (40 characters)"
    assert "too large to record" in large.result and len(large.result) < 8_192


@pytest.mark.parametrize("how", ["by the model", "by plain SQL"])
def test_an_administrator_chooses_otherwise_and_back(how: str) -> None:
    def choose_by(level: str) -> None:
        if how == "by the model":
            Tool.objects.filter(name="pay_arguments").update(recorded=level)
        else:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE tools_app_tool SET recorded = %s WHERE name = 'pay_arguments'", [level])

    choose("pay_arguments")
    held = []
    with desk() as here:
        for level in ("", "metadata", "result", "arguments", "nonsense", ""):
            choose_by(level)
            row = used(here, pay("arguments"))
            held.append((bool(row.arguments), bool(row.result)))
    assert held == [(True, False), (False, False), (True, True), (True, False), (False, False), (True, False)]


def test_an_administrator_s_paths_come_on_top_of_the_author_s() -> None:
    choose("pay_redacted", redacted="customer.name")
    with desk() as here:
        row = used(here, pay("redacted", name="Ada Byron"))
    assert json.loads(row.arguments)["customer"] == {"name": "[redacted]", "iban": "[redacted]"}
    assert "Byron" not in row.result


def test_paths_that_cannot_be_read_record_nothing() -> None:
    choose("pay_arguments", redacted='"')
    with desk() as here:
        assert used(here, pay("arguments")).arguments == ""


def level_under(version: int) -> str:
    """What was chosen for the tool under a version of the policy, by the history."""
    known = PolicyRevision.objects.filter(part="tool", edit__version__lte=version).order_by("id")
    values = [table_of("tool").values(one.became) for one in known if one.became]
    return str([one["recorded"] for one in values if one["name"] == "echo_async"][-1])


def test_no_record_that_commits_after_a_change_was_written_under_the_old_choice() -> None:
    """Judged by the version under which a record committed: that is the committed one (``test_exact_revocation``)."""
    choose("echo_async", recorded="metadata")
    done: list[str] = []
    called: list[str] = []

    async def calling(here: Desk) -> None:
        while len(done) < 12:
            await invoke(alice(), tool_call("echo_async", {"text": "DE7777"}), Silent(), here.dependencies)
            called.append("")

    async def choosing() -> None:
        for level in ["arguments", "metadata"] * 6:
            await asyncio.to_thread(_choose, level)
            before = len(called)
            done.append(level)
            await eventually(lambda before=before: len(called) > before)  # type: ignore[misc]

    async def all_of(here: Desk) -> None:
        await asyncio.gather(choosing(), *(calling(here) for _ in range(8)))

    with desk() as here:
        here.run(all_of(here))
        assert here.dependencies.audit.flush(WAIT)
    levels: dict[int, str] = {}
    for version, arguments in CallRecord.objects.values_list("policy_version", "arguments"):
        level = levels.setdefault(version, level_under(version))
        assert (arguments == "") is (level == "metadata"), (version, level)
    assert len(set(levels.values())) == 2 and stored_version() >= max(levels)


def _choose(level: str) -> None:
    try:
        Tool.objects.filter(name="echo_async").update(recorded=level)
    finally:
        connection.close()
