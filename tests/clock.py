"""A clock that stands still until it is moved."""


class Clock:
    """Called, it says ``now``, in seconds."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
