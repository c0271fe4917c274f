"""The policy alone: what a decision takes, a full load, and the load of one change."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.errors import BenchFailed
from tests.bench.results import Row
from tests.site import ROOT

DECIDE_TARGET = 5.0  # Microseconds.
LOAD_TARGET = 2.0  # Seconds.
CHANGE_TARGET = 50.0  # Milliseconds, which calls may have to wait.


@dataclass(frozen=True, slots=True)
class Decisions:
    """Measured with some number of rules, of which a handful concern the client."""

    decide_us: float
    load_s: float
    change_ms: float


def decisions(environment: Mapping[str, str], rules: int) -> Decisions:
    """Measure in a process of its own, on the empty database that the environment names."""
    command = [sys.executable, "manage.py", "bench_policy", str(rules)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchFailed(f"The policy could not be measured:\n{done.stderr[-3000:]}")
    return Decisions(**json.loads(done.stdout.strip().splitlines()[-1]))


def decision_rows(few: Decisions, many: Decisions) -> list[Row]:
    """A handful of rules alone, and among very many."""
    return [
        Row("decide, a handful of rules concern", "us", few.decide_us, many.decide_us, target=DECIDE_TARGET),
        Row("full load of the policy", "s", few.load_s, many.load_s, target=LOAD_TARGET),
        Row("load of one change, the slowest of 20", "ms", few.change_ms, many.change_ms, target=CHANGE_TARGET),
    ]
