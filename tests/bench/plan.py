"""How much is measured, and how much must be true of it."""

from dataclasses import dataclass

# Sessions are spread over this many clients: one client may not have as many as are measured.
CALLERS = 20


def subject(number: int) -> str:
    """The token subject of this client."""
    return f"agent-{number}@clients"


@dataclass(frozen=True, slots=True)
class Shape:
    """How many sessions call, each with how many calls in flight; in how many rounds of how many seconds."""

    sessions: int
    in_flight: int
    rounds: int
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True)
class Idle:
    """How many sessions do nothing; how many were there before them, to fill what a start leaves free; and for how
    many seconds the server is left alone before its memory is read."""

    sessions: int
    before: int
    settle: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """``rules``, ``clients`` and ``tools`` are those of the crowded site; ``pinned``: servers are held to one core.

    ``policy_rules`` are there where the policy is measured alone.
    """

    many: Shape
    single: Shape
    cross: Shape
    idle: Idle
    rules: int = 10_000
    clients: int = 1_000
    tools: int = 200
    pinned: bool = True
    policy_rules: int = 100_000


DEFAULT = Plan(
    many=Shape(8, 4, rounds=9, seconds=2.0, warm_up=0.3),
    single=Shape(1, 1, rounds=7, seconds=1.2, warm_up=0.3),
    cross=Shape(8, 4, rounds=5, seconds=1.5, warm_up=0.3),
    idle=Idle(1_000, before=300),
)
QUICK = Plan(
    many=Shape(8, 4, rounds=2, seconds=0.8, warm_up=0.2),
    single=Shape(1, 1, rounds=1, seconds=0.7, warm_up=0.2),
    cross=Shape(8, 4, rounds=1, seconds=0.8, warm_up=0.2),
    idle=Idle(200, before=200),
    policy_rules=20_000,
)
