"""What the admin's start page says of the site itself. Other apps say what: this one knows nothing of their state."""

from collections.abc import Callable, Iterable

_sources: list[Callable[[], Iterable[str]]] = []


def register(source: Callable[[], Iterable[str]]) -> None:
    """Add a way to read sentences that whoever runs the site should see now."""
    if source not in _sources:
        _sources.append(source)


def current() -> list[str]:
    """All of these sentences."""
    return [sentence for source in _sources for sentence in source()]
