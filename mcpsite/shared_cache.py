"""How Django's cache is kept in Redis: nothing there can be run, and no code can be read off a key."""

import json
from hashlib import sha256
from typing import Any


class JsonSerializer:
    """Django's own serializer is pickle, which runs what whoever reaches Redis has put there."""

    def dumps(self, value: Any) -> bytes | int:
        # Plain numbers stay numbers, so that Redis can count.
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


def hashed_key(key: str, key_prefix: str, version: int) -> str:
    """The key in Redis. Authorization codes are part of allauth's keys, and go no further than this."""
    return f"{key_prefix}:{version}:{sha256(key.encode()).hexdigest()}"
