"""Keeps Django's cache in Redis so that nothing there can be run, and no code can be read off a key."""

import json
from hashlib import sha256
from typing import Any


class JsonSerializer:
    """Serializes as JSON. Django's own is pickle, which runs whatever somebody put into Redis."""

    def dumps(self, value: Any) -> bytes | int:
        # Plain numbers stay numbers, so that Redis can count.
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


def hashed_key(key: str, key_prefix: str, version: int) -> str:
    """The key in Redis. Authorization codes are part of allauth's keys, and go no further than this."""
    return f"{key_prefix}:{version}:{sha256(key.encode()).hexdigest()}"
