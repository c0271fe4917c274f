"""The names of tools, for forms and filters. Other apps say how they are read: this one imports none that has tools."""

from collections.abc import Callable, Iterable

_sources: list[Callable[[], Iterable[str]]] = []


def register(source: Callable[[], Iterable[str]]) -> None:
    """Add a way to read the names of tools that are registered now."""
    if source not in _sources:
        _sources.append(source)


def names() -> list[str]:
    """The names of all registered tools, in order."""
    return sorted({name for source in _sources for name in source()})
