"""Results as a table for people."""

from collections.abc import Sequence

from tests.bench.results import Comparison, Results, Row

_HEAD = ("", "ours", "reference", "ratio", "target", "crowded", "to bare", "target")


def table(results: Results) -> str:
    """The rows in columns, each ratio beside its target; then the notes."""
    lines = [_HEAD, *map(_cells, results.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join([*(_line(cells, widths) for cells in lines), "", *results.notes])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if number else cell.ljust(width)
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    ratio, target = _compared(row.to_reference)
    to_bare, bare_target = _compared(row.to_bare)
    if row.target is not None:
        target, bare_target = _verdict(row.ours, row.target), _verdict(row.crowded, row.target)
    name = f"{row.what} ({row.unit})" if row.unit else row.what
    reference = "" if row.reference is None else _number(row.reference)
    return name, _number(row.ours), reference, ratio, target, _number(row.crowded), to_bare, bare_target


def _compared(comparison: Comparison | None) -> tuple[str, str]:
    if comparison is None:
        return "", ""
    target = "" if comparison.target is None else _verdict(comparison.ratio, comparison.target)
    return f"{comparison.ratio:.2f}", target


def _verdict(value: float, target: float) -> str:
    return f"<= {target:.2f} {'met' if value <= target else 'MISSED'}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"
