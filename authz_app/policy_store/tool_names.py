"""The names that rules can speak of, for forms and filters. Other apps say how they are read: this one has none."""

from collections.abc import Callable, Iterable

from authz_app.policy.rule import Kind

_sources: list[Callable[[], Iterable[tuple[Kind, str]]]] = []


def register(source: Callable[[], Iterable[tuple[Kind, str]]]) -> None:
    """Add a way to read kind and name of what is registered now."""
    if source not in _sources:
        _sources.append(source)


def names(kind: str | None = None) -> list[str]:
    """The names of all that is registered, in order; of one kind, where it is given."""
    return sorted({name for source in _sources for of, name in source() if kind in (None, of)})
