"""The pages of the admin that many records could make slow, and how long each takes."""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.test import Client

from authz_app.models import CallRecord
from authz_app.pages.shared.filters import TIMES
from authz_app.pages.shared.words import OUTCOMES
from authz_app.policy.decision import Reason
from tests.bench.pages.rows import APART_TOOL, CLIENTS, RARE_CLIENT, RARE_TOOL, client_name, tool_name

RECORDS = "/admin/authz_app/callrecord/"
REFUSALS = "/admin/refusals/"
# Client ids begin with 1, and the first is the busiest.
BUSY, RARE = 1, RARE_CLIENT + 1
_NOWHERE = "args:nothing-has-this"


@dataclass(frozen=True, slots=True)
class Visit:
    """A page, and in how many milliseconds it came, each time that it was asked for.

    ``cpu_ms`` are those of this process: with SQLite all the work, with PostgreSQL what its server does not do.
    """

    what: str
    path: str
    took_ms: Sequence[float]
    cpu_ms: Sequence[float]

    @property
    def worst_ms(self) -> float:
        return max(self.took_ms)

    @property
    def median_ms(self) -> float:
        return statistics.median(self.took_ms)


def visits(browser: Client, rounds: int) -> Iterator[Visit]:
    """Ask for every page, so often, by somebody who may see everything.

    Raises:
        AssertionError: a page does not come.
    """
    for what, path in pages():
        took, worked = [], []
        for _ in range(rounds):
            began, cpu = time.perf_counter(), time.process_time()
            answer = browser.get(path)
            took.append((time.perf_counter() - began) * 1_000)
            worked.append((time.process_time() - cpu) * 1_000)
            assert answer.status_code == 200, f"{path} was answered with {answer.status_code}."
        yield Visit(what, path, took, worked)


def pages() -> list[tuple[str, str]]:
    """What each is, and its path."""
    return [*_places(), *_filters(), *_searches(), *_records(), *_others()]


def _list(**query: str | int) -> str:
    return f"{RECORDS}?{urlencode(query)}"


def _places() -> Iterator[tuple[str, str]]:
    ids = CallRecord.objects.order_by("pk").values_list("pk", flat=True)
    yield "first page", RECORDS
    yield "page 10,000", _list(before=str(ids[max(0, ids.count() // 2)]))
    yield "last page", _list(before=str(ids[min(50, ids.count() - 1)]))
    yield "last page but one, upwards", _list(after=str(ids[0]))
    yield "last page of one client", _list(client=RARE, before=str(ids[min(5_000, ids.count() - 1)]))


def _filters() -> Iterator[tuple[str, str]]:
    chosen: dict[str, list[str | int]] = {
        "client": [BUSY, RARE, CLIENTS + 1],
        "kind": list(CallRecord.Kind.values),
        "tool": [tool_name(0), tool_name(RARE_TOOL), "nothing"],
        "decision": list(CallRecord.Decision.values),
        "reason": [reason.value for reason in Reason],
        "outcome": list(OUTCOMES),
        "since": list(TIMES),
        "session": [CallRecord.objects.values_list("mcp_session", flat=True)[0], "0" * 32],
        "seal": [1],
    }
    for name, values in chosen.items():
        for value in values:
            yield f"filter {name}={value}", _list(**{name: value})


def _searches() -> Iterator[tuple[str, str]]:
    newest = CallRecord.objects.values_list("pk", flat=True)[0]
    busy, rare, apart = tool_name(0), tool_name(RARE_TOOL), tool_name(APART_TOOL)
    texts = [
        *("agent", client_name(RARE_CLIENT), str(newest), f"id:{newest}"),
        *(f'client:"{client_name(0)}"', "client:agent*", f"tool:{busy},{rare}", "tool:weather_*", "tool:*_19?"),
        *("decision:denied", "-decision:denied", "outcome:crashed,unknown", "-outcome:ok", "reason:no_rule,deny_rule"),
        *("address:203.0.0.1", "address:203.0.49.*", "address:*.9", "session:0", "kind:prompt,completion"),
        *("since:90m", "since:2d", "until:80d", "since:60d until:50d", "rule:1", "rule:99", "seal:7"),
        *("software:agent*", "software:nobody*", 'args:"order 12345"', _NOWHERE, f"-{_NOWHERE}"),
        # Two that are common, and have nothing in common; one common and one rare; and so on.
        f'client:"{client_name(0)}" tool:{apart}',
        f'client:"{client_name(RARE_CLIENT)}" decision:denied',
        f"tool:{busy} outcome:crashed",
        f"tool:{rare} outcome:unknown",
        f"tool:{busy} reason:limit_reached address:203.0.49.*",
        f"decision:denied outcome:ok tool:{busy}",
        "decision:denied kind:completion",
        "client:agent tool:weather_* decision:denied since:2d",
        f"{_NOWHERE} client:agent -tool:{busy}",
        f'{_NOWHERE} client:"{client_name(RARE_CLIENT)}"',
        f"{_NOWHERE} since:2d",
        f"{_NOWHERE} until:80d",
        "rule:99 decision:allowed outcome:ok",
        "software:nobody* tool:weather_*,tickets_* -kind:tool",
    ]
    for text in texts:
        yield f"search {text}", _list(q=text)


def _records() -> Iterator[tuple[str, str]]:
    for what, query in {
        "newest": CallRecord.objects.all(),
        "denied": CallRecord.objects.filter(decision="denied"),
        "oldest": CallRecord.objects.order_by("pk"),
    }.items():
        yield f"record, {what}", f"{RECORDS}{query.values_list('pk', flat=True)[0]}/change/"


def _others() -> Iterator[tuple[str, str]]:
    yield "start page", "/admin/"
    for span in ("hour", "day", "week", "month"):
        yield f"refusals, {span}", f"{REFUSALS}?since={span}"
    yield "clients", "/admin/authz_app/client/"
    yield "client, the busiest", f"/admin/authz_app/client/{BUSY}/change/"
    yield "sessions", "/admin/tools_app/mcpsession/"
    yield "seals", "/admin/authz_app/auditseal/"
    yield "events", "/admin/authz_app/auditevent/"
    yield "policy history", "/admin/authz_app/policyedit/"
