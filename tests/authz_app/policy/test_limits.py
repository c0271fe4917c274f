"""Counting within a sliding window: never too many, and not many too few."""

import pytest
from hypothesis import given, settings, strategies as st

from authz_app.policy.limits import Allowance, SlidingWindow

START = 1_800_000_000.0


class Gate:
    """One limit, asked again and again; what it keeps between is what a database would."""

    def __init__(self, calls: int, seconds: int) -> None:
        self.allowance = Allowance(1, 0, calls, seconds, "")
        self.stored: str | None = None
        self.let_through: list[float] = []

    def ask(self, now: float) -> float:
        """Ask for one call; returns for how long to wait, 0 where it was let through."""
        window = SlidingWindow(self.allowance, self.stored, now)
        wait = window.wait()
        if not wait:
            window.add()
            self.let_through.append(now)
        self.stored = window.text
        return wait


gaps = st.lists(st.sampled_from([0.0, 0.001, 0.1, 0.5, 1.0, 7.0, 30.0, 59.9, 60.0]), max_size=400)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from([1, 2, 5, 100, 101, 150]), gaps)
def test_never_more_than_the_limit_in_any_window(calls: int, pauses: list[float]) -> None:
    gate, now = Gate(calls, 60), START
    for pause in pauses:
        now += pause
        gate.ask(now)
    for number, moment in enumerate(gate.let_through):
        assert sum(moment <= other < moment + 60 for other in gate.let_through[number:]) <= calls
    assert len(SlidingWindow(gate.allowance, gate.stored, now)._entries) <= 101


@settings(deadline=None, max_examples=100)
@given(st.sampled_from([1, 2, 5, 100, 150]), gaps)
def test_a_refused_call_is_let_through_after_its_wait(calls: int, pauses: list[float]) -> None:
    gate, now = Gate(calls, 60), START
    for pause in pauses:
        now += pause
        if wait := gate.ask(now):
            later = SlidingWindow(gate.allowance, gate.stored, now + wait)
            assert 0 < wait <= 60 + (calls > 100) * 0.6
            assert later.wait() == pytest.approx(0, abs=1e-6)


def test_a_small_limit_lets_through_exactly_as_many_as_it_says() -> None:
    gate = Gate(3, 60)
    waits = [gate.ask(START + second) for second in (0, 10, 20, 30, 59.9, 60, 60, 70, 80, 80)]
    assert [wait == 0 for wait in waits] == [True, True, True, False, False, True, False, True, True, False]
    assert waits[3] == pytest.approx(30)


def test_a_large_limit_is_late_by_a_hundredth_of_its_period_at_most() -> None:
    gate = Gate(1_000, 86_400)
    for _ in range(1_000):
        assert gate.ask(START + 100) == 0
    assert gate.ask(START + 100 + 86_399) > 0
    assert gate.ask(START + 100 + 86_400 + 864) == 0


def test_a_clock_that_is_set_back_lets_no_more_through() -> None:
    gate = Gate(3, 60)
    waits = [gate.ask(now) for now in (START, START - 30, START - 20, START - 10, START + 59.9, START + 60)]
    assert [wait == 0 for wait in waits] == [True, True, True, False, False, True]


@pytest.mark.parametrize("stored", ["nonsense", "5", "[5]", '[["a", 1]]', "{}x", "null"])
def test_what_is_no_tally_is_an_error(stored: str) -> None:
    with pytest.raises(ValueError):
        SlidingWindow(Allowance(1, 0, 1, 60, ""), stored, START)
