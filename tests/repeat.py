"""Run `make test` again and again, in another order each time, some runs beside busy processes, and count the failures.

    python -m tests.repeat [--runs 10] [--busy-runs 5] [pytest's own arguments]

What each run prints is kept in var/repeat/. The exit code is the number of runs that failed.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from resource import RUSAGE_CHILDREN, getrusage

from tests.warm_python import ROOT

_BUSY_PER_CORE = 4
_LOGS = ROOT / "var" / "repeat"


@dataclass(frozen=True)
class Run:
    """One run of the tests: its order, the processes beside it, and what it took in seconds."""

    seed: int
    busy: int
    passed: bool
    cpu: float
    wall: float

    def __str__(self) -> str:
        beside = f" beside {self.busy} busy processes" if self.busy else ""
        verdict = "passed" if self.passed else "FAILED"
        return f"{verdict}: seed {self.seed}{beside}, {self.cpu:.0f} s of CPU, {self.wall:.0f} s"


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """So many processes that take all the CPU that they get."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def run(log: Path, busy: int, arguments: Sequence[str]) -> Run:
    seed = SystemRandom().randrange(2**32)
    environment = {**os.environ, "ARGUMENTS": " ".join([f"--randomly-seed={seed}", *arguments])}
    with busy_processes(busy), log.open("wb") as output:
        begun, cpu = time.monotonic(), _cpu()
        done = subprocess.run(
            ["make", "test"], cwd=ROOT, env=environment, stdout=output, stderr=output, check=False
        ).returncode
        return Run(seed, busy, done == 0, _cpu() - cpu, time.monotonic() - begun)


def _cpu() -> float:
    """Seconds, of all processes that have ended."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.repeat", description="Run `make test` again and again.")
    parser.add_argument("--runs", type=int, default=10, help="how many (default: %(default)s)")
    parser.add_argument("--busy-runs", type=int, default=5, help="how many beside busy processes (%(default)s)")
    options, further = parser.parse_known_args(arguments)
    _LOGS.mkdir(parents=True, exist_ok=True)
    failed = 0
    for number in range(1, options.runs + 1):
        log = _LOGS / f"{number}.log"
        # The busy ones last: what fails without load is told first.
        is_busy = number > options.runs - options.busy_runs
        done = run(log, _BUSY_PER_CORE * (os.cpu_count() or 1) if is_busy else 0, further)
        failed += not done.passed
        print(f"{number} of {options.runs} {done} ({log.relative_to(ROOT)})", flush=True)
    print(f"{failed} of {options.runs} runs failed.")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
