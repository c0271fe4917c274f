"""One run: set everything up, measure, check the records, and give back the results."""

import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvloop

from tests.bench.databases import check_records, databases, fill
from tests.bench.decisions import decision_rows, decisions
from tests.bench.errors import NotMeasured
from tests.bench.measure import Bench, Pair
from tests.bench.plan import CALLERS, Plan, subject
from tests.bench.processes import cores, serving
from tests.bench.results import Results, Row, cross_rows, disturbed, idle_row, speed_rows
from tests.bench.servers import Servers, redis_url
from tests.issuer import Issuer

_BARE, _CROWDED = "This server", "This server, crowded,"


def run(plan: Plan, on_postgresql: bool = False, remember_tokens: bool = False) -> Results:
    """Measure as much as the plan says.

    Raises:
        BenchFailed: a server did not start or answered wrongly, or a record is missing.
    """
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcpsite-bench-")))
        issuer = stack.enter_context(Issuer())
        core = stack.enter_context(cores()) if plan.pinned else None
        urls = stack.enter_context(databases(("bare", "crowded", "few", "many"), directory, on_postgresql))
        servers = Servers(issuer, directory, remember_tokens)
        sites = {_BARE: servers.environment(urls["bare"]), _CROWDED: servers.environment(urls["crowded"], plan.tools)}
        _say("Filling the databases ...")
        _fill(sites, issuer, plan)
        _say(f"Deciding by a handful of rules, alone and among {plan.policy_rules:,} others ...")
        deciding = decision_rows(
            decisions(servers.environment(urls["few"]), 0),
            decisions(servers.environment(urls["many"]), plan.policy_rules),
        )
        sessions = max(plan.idle.sessions + plan.idle.before, plan.many.sessions)
        bench = Bench([issuer.token(subject(number % CALLERS), jti=str(number)) for number in range(sessions)])
        measured = _Run(plan, servers, sites, bench, core)
        rows = measured.beside_the_reference()
        notes = [_how(plan, on_postgresql, core, remember_tokens), *disturbed(rows)]
        try:
            rows += measured.cross_worker()
        except NotMeasured as missing:
            notes.append(f"Cross-worker delivery was not measured. {missing}")
        for name, url in zip(sites, urls.values(), strict=False):
            check_records(url, bench.calls[name], name)
        rows += deciding
        notes.append(
            f"The last three rows are no calls: ours with a handful of rules, crowded with {plan.policy_rules:,}."
        )
        notes.append(f"All {bench.calls[_BARE] + bench.calls[_CROWDED]:,} calls of this server left their records.")
        return Results(rows, notes)


def _fill(sites: Mapping[str, Mapping[str, str]], issuer: Issuer, plan: Plan) -> None:
    # Their processes may use every core: nothing is measured yet.
    every_core = 0, range(os.cpu_count() or 1)
    with ThreadPoolExecutor(initializer=os.sched_setaffinity, initargs=every_core) as side_by_side:
        bare = side_by_side.submit(fill, sites[_BARE], issuer.url, 1, 0)
        crowded = side_by_side.submit(fill, sites[_CROWDED], issuer.url, plan.rules, plan.clients)
        bare.result()
        crowded.result()


@dataclass(frozen=True, slots=True)
class _Run:
    """The measurements of one run. ``sites`` are the environments of this server, bare and crowded."""

    plan: Plan
    servers: Servers
    sites: Mapping[str, Mapping[str, str]]
    bench: Bench
    core: int | None

    def beside_the_reference(self) -> list[Row]:
        """Three servers in turn: this one, the reference, this one crowded."""
        ours, crowded = (self.servers.ours(name, environment) for name, environment in self.sites.items())
        three = [ours, self.servers.reference(), crowded]
        with serving(three, self.core):
            _say(f"Opening {self.plan.idle.sessions:,} sessions on each server ...")
            idle = idle_row(*(uvloop.run(self.bench.idle_kilobytes(server, self.plan.idle)) for server in three))
            _say("Calling, many at a time and one at a time ...")
            many = uvloop.run(self.bench.speed(three, self.plan.many))
            single = uvloop.run(self.bench.speed(three, self.plan.single))
        in_flight = self.plan.many.sessions * self.plan.many.in_flight
        return [
            *speed_rows(f"{in_flight} in flight", many, shares_commits=True),
            *speed_rows("1 in flight", single, shares_commits=False),
            idle,
        ]

    def cross_worker(self) -> list[Row]:
        """Two workers of each site in turn.

        Raises:
            NotMeasured: Redis is missing, or the workers do not know each other's sessions.
        """
        _say("Calling on two workers of each site ...")
        with redis_url() as first, redis_url() as second:
            pairs = [self._pair(name, url) for name, url in zip(self.sites, (first, second), strict=True)]
            with serving([worker for pair in pairs for worker in pair], self.core):
                return cross_rows(*uvloop.run(self.bench.cross_worker(pairs, self.plan.cross)))

    def _pair(self, name: str, url: str) -> Pair:
        environment = {**self.sites[name], "SITE_REDIS_URL": url}
        return self.servers.ours(name, environment), self.servers.ours(name, environment)


def _how(plan: Plan, on_postgresql: bool, core: int | None, remember_tokens: bool) -> str:
    database = "PostgreSQL (whose own CPU is not counted)" if on_postgresql else "SQLite"
    verified = "verified once and remembered" if remember_tokens else "verified for each request, as the SDK does it"
    held = "on one core, the load on another" if core is not None else "and load on the same cores"
    return (
        f"Ours: Daphne, {database}, a committed record and outcome for each call. Reference: the SDK's SSE server on"
        f" uvicorn, the same token check, {verified}, no rules, no records. Crowded: ours with {plan.rules:,} rules,"
        f" {plan.clients:,} clients and {plan.tools} tools.\nServers {held}; {plan.many.sessions} sessions with"
        f" {plan.many.in_flight} calls in flight each, and 1 with 1; medians of {plan.many.rounds} and"
        f" {plan.single.rounds} rounds taken in turn; ratios are medians of each round's. {plan.idle.sessions:,} idle"
        " sessions."
    )


_say = partial(print, flush=True)
