"""How large the drills are: small for `make test`, full for `make drills` (DRILLS=full)."""

import os
from typing import TypeVar

Size = TypeVar("Size", int, float)
IS_FULL = os.environ.get("DRILLS") == "full"
# Seconds within which the server answers for whatever it can still answer for.
HEARTBEAT = 15.0
# Seconds that a busy machine may add to any limit.
SLACK = 15.0


def size(small: Size, full: Size) -> Size:
    return full if IS_FULL else small
