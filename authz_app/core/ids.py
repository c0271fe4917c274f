"""Time-ordered ids of records (UUID version 7, RFC 9562 section 5.7), and the times in them."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7 as uuid7


def first_id_at(moment: datetime) -> UUID:
    """The smallest id that can be made in that millisecond."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def moment_of(made: UUID) -> datetime:
    """When an id was made, to the millisecond."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
