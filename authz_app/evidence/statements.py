"""Write and read the statements that are signed: of a seal, a key, a pruning. ``docs/evidence.md`` describes them."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from authz_app.evidence.canonical import FORMAT, MEMBER_BYTES, id_text, utc_text

NOTHING_BEFORE = "0" * 64


def _statement(**fields: Any) -> str:
    return orjson.dumps({"v": FORMAT, **fields}).decode()


def digest(statement: str) -> str:
    """The digest by which the following seal names this one."""
    return sha256(statement.encode()).hexdigest()


def seal_statement(number: int, at: datetime, members: bytes, previous: str, key: str) -> str:
    """``previous`` is the digest of the seal before."""
    first = id_text(members[:MEMBER_BYTES]) if members else None
    last = id_text(members[-MEMBER_BYTES:]) if members else None
    return _statement(
        seal=number,
        at=utc_text(at),
        count=len(members) // MEMBER_BYTES,
        first=first,
        last=last,
        members=sha256(members).hexdigest(),
        previous=previous,
        key=key,
    )


def key_statement(key: str, public: str, at: datetime, first_seal: int, follows: str) -> str:
    """``follows`` is the id of the key before, empty for the first."""
    return _statement(key=key, public=public, at=utc_text(at), first_seal=first_seal, follows=follows)


def first_seal(statement: str) -> int:
    """The number of the first seal that a key signs, by its statement; 0: it is no key's statement."""
    try:
        return int(orjson.loads(statement)["first_seal"])
    except (ValueError, KeyError, TypeError):
        return 0


def pruned_statement(seal: int, seal_digest: str, at: datetime, key: str) -> str:
    return _statement(pruned=seal, digest=seal_digest, at=utc_text(at), key=key)


@dataclass(frozen=True, slots=True)
class SealFields:
    number: int
    at: str
    count: int
    members: str
    previous: str
    key: str


def read_seal(statement: str) -> SealFields | None:
    """The fields of a statement; None: it is no seal's statement."""
    try:
        fields = orjson.loads(statement)
        return SealFields(
            number=int(fields["seal"]),
            at=str(fields["at"]),
            count=int(fields["count"]),
            members=fields["members"],
            previous=fields["previous"],
            key=fields["key"],
        )
    except (ValueError, KeyError, TypeError):
        return None
