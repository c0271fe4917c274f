"""What testing a promise gives: evidence that it was kept, or what was seen when it was not."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of a promise that was kept, in words and numbers, and what could not be shown on this stage."""

    seen: str
    not_shown: str = ""


class Broken(Exception):
    """A promise was not kept. The message is what was seen."""


Say = Callable[[str], None]
