"""Tell quickly how sealing goes: when the last seal was made, and whether anything waits for too long."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from authz_app.conf import conf
from authz_app.evidence.canonical import SEALED
from authz_app.evidence.keyring import local_keyring
from authz_app.evidence.keys import AuditKeyError
from authz_app.evidence.seal_checks import SealCheck, check_stored_seal
from authz_app.evidence.sealing import SETTLED_AFTER, settled
from authz_app.models import AuditSeal

_BEHIND = "Sealing is behind: something that ended more than {} seconds ago is in no seal yet. {} The logs say why."
_BAD = "The newest seal does not hold. {} `manage.py audit verify` checks all of them."


@dataclass(frozen=True, slots=True)
class SealingHealth:
    """The last seal, and whether anything final waits for its seal for longer than the interval allows."""

    last: AuditSeal | None
    is_behind: bool
    allowed: timedelta


def sealing_health() -> SealingHealth:
    allowed = SETTLED_AFTER + 2 * timedelta(seconds=conf().audit_seal_seconds)
    is_behind = any(settled(connection, sealed, datetime.now(UTC) - allowed, 1) for sealed in SEALED)
    return SealingHealth(AuditSeal.objects.order_by("-number").first(), is_behind, allowed)


def notices() -> Iterator[str]:
    """Warnings for whoever runs the site: that sealing is behind, that the newest seal does not hold."""
    health = sealing_health()
    if health.is_behind:
        last = f"The last was made at {health.last.at:%Y-%m-%d %H:%M:%S} UTC." if health.last else "None was ever made."
        yield _BEHIND.format(round(health.allowed.total_seconds()), last)
    if health.last is not None:
        yield from (_BAD.format(problem) for problem in newest_problems(health.last)[:1])


def check_now(seal: AuditSeal) -> SealCheck:
    """Check a seal and all its records as they are now.

    Raises:
        AuditKeyError: there is no key on this machine to check it with.
    """
    return check_stored_seal(connection, seal, local_keyring())


def newest_problems(seal: AuditSeal) -> list[str]:
    try:
        return check_now(seal).problems
    except AuditKeyError as error:
        return [str(error)]
