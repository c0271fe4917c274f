"""What can go wrong with a benchmark, each in a sentence.

BenchFailed         a server did not start, answered wrongly or not at all: no number can be believed
  PostRefused       it answered a POST with another status than 202
NotMeasured         something is missing here that one measurement needs; the others go on
"""


class BenchFailed(Exception):
    """The message says which server did what."""


class PostRefused(BenchFailed):
    """``status`` is that of the HTTP answer."""

    def __init__(self, name: str, status: int, body: bytes) -> None:
        super().__init__(f"{name} answered a POST with {status}: {body[:300].decode(errors='replace')}")
        self.status = status


class NotMeasured(Exception):
    """The message says what is missing."""
