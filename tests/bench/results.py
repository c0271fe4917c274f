"""What was measured, beside what must be true of it. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.measure import Round

CPU_TARGET = 0.60
RSS_TARGET = 0.35
P99_TARGET = 1.00
# With many rules, clients and tools, against without.
CROWDED_TARGET = 1.10
# CPU-ms.
CROSS_WORKER_TARGET = 0.25

CORE_SHARE = "share of its core"
# Under many calls in flight the reference takes all of its core that it is given; this server waits for the disk, too.
_UNDISTURBED = 0.9


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number divided by another, and what it may be at most; None: it is only shown."""

    ratio: float
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement of each server; ``target`` is what ``ours`` and ``crowded`` themselves may be at most."""

    what: str
    unit: str
    ours: float
    crowded: float
    reference: float | None = None
    to_reference: Comparison | None = None
    to_bare: Comparison | None = None
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """All rows, and sentences on what could not be measured and how it was measured."""

    rows: list[Row]
    notes: list[str] = field(default_factory=list)


Value = Callable[[Round], float]


def _cpu(one: Round) -> float:
    return one.cpu_ms


def typical(rounds: Sequence[Round], value: Value) -> float:
    """The median over the rounds."""
    return median(map(value, rounds))


def quotient(one: float, other: float) -> float:
    """One by the other; not a number where what was measured is too small to be seen."""
    return one / other if other else math.nan


def ratio(rounds: Sequence[Round], others: Sequence[Round], value: Value) -> float:
    """The median of the ratios of rounds that were taken side by side."""
    return median(quotient(value(one), value(other)) for one, other in zip(rounds, others, strict=True))


def speed_rows(load: str, rounds: Sequence[Sequence[Round]], *, shares_commits: bool) -> list[Row]:
    """CPU, rate and latencies under one load. ``rounds`` are those of ours, the reference and the crowded site.

    Where ``shares_commits`` is false, each call waits for a commit of its own, which the reference never makes: the two
    are shown side by side, and no target is set.
    """
    cpu_target, p99_target = (CPU_TARGET, P99_TARGET) if shares_commits else (None, None)
    values: list[tuple[str, str, Value, float | None, float | None]] = [
        ("CPU per call", "ms", _cpu, cpu_target, CROWDED_TARGET),
        ("calls", "/s", lambda one: one.calls_per_second, None, None),
        ("p50", "ms", lambda one: one.p50_ms, None, CROWDED_TARGET),
        ("p99", "ms", lambda one: one.p99_ms, p99_target, CROWDED_TARGET),
        (CORE_SHARE, "", lambda one: one.core_share, None, None),
    ]
    return [_speed_row(f"{name}, {load}", unit, rounds, value, targets) for name, unit, value, *targets in values]


def _speed_row(
    what: str, unit: str, rounds: Sequence[Sequence[Round]], value: Value, targets: Sequence[float | None]
) -> Row:
    ours, reference, crowded = rounds
    return Row(
        what,
        unit,
        typical(ours, value),
        typical(crowded, value),
        typical(reference, value),
        Comparison(ratio(ours, reference, value), targets[0]),
        Comparison(ratio(crowded, ours, value), targets[1]),
    )


def idle_row(ours: float, reference: float, crowded: float) -> Row:
    """Memory of an idle session, in kB."""
    to_reference, to_bare = (
        Comparison(quotient(ours, reference), RSS_TARGET),
        Comparison(quotient(crowded, ours), CROWDED_TARGET),
    )
    return Row("RSS per idle session", "kB", ours, crowded, reference, to_reference, to_bare)


def cross_rows(ours: Sequence[Sequence[Round]], crowded: Sequence[Sequence[Round]]) -> list[Row]:
    """CPU on two workers. Both arguments: the rounds on the session's own worker, and those on the other one."""
    own, other = (
        Row(
            what,
            "ms",
            typical(rounds, _cpu),
            typical(among_many, _cpu),
            to_bare=Comparison(ratio(among_many, rounds, _cpu), CROWDED_TARGET),
        )
        for what, rounds, among_many in zip(
            ("CPU per call, POST on its own worker", "CPU per call, POST on the other"), ours, crowded, strict=True
        )
    )
    added = Row(
        "cross-worker delivery, CPU added",
        "ms",
        other.ours - own.ours,
        other.crowded - own.crowded,
        target=CROSS_WORKER_TARGET,
    )
    return [own, other, added]


def disturbed(rows: Sequence[Row]) -> list[str]:
    """A sentence where something else kept the servers from their core under the first of the loads."""
    under_load = next(row for row in rows if row.what.startswith(CORE_SHARE))
    if under_load.reference is None or under_load.reference >= _UNDISTURBED:
        return []
    return [
        "Other programs were using the servers' core: repeat this on a quiet machine before you believe its rates and"
        " latencies. CPU per call suffers less."
    ]
