"""Let a new key take over: it is listed in the database first, and only then put in the place of the old one.

Broken off in between, it is neither lost nor in use; asked for again, it takes over.
"""

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.evidence.checkpoint import last_number
from authz_app.evidence.keys import (
    AuditKeyError,
    AuditSigner,
    introduce,
    signer,
    succeed,
    take_over,
    waits_to_take_over,
)
from authz_app.evidence.sealing import take_lock


def rotate(connection: BaseDatabaseWrapper) -> AuditSigner:
    """A new key signs from the next seal on.

    Raises:
        AuditKeyError: it does not, and ``str()`` says why. The old one does, or this is to be repeated.
        DatabaseError: the old one does.
    """
    if not waits_to_take_over():
        with transaction.atomic(connection.alias):
            if not take_lock(connection):
                raise AuditKeyError("Something is being sealed at this moment. Try again.")
            old = signer(create=True)
            introduce(old)  # It may never have sealed, and only the one that signs now can give to another.
            succeed(old, last_number(connection) + 1)
    take_over()
    return signer()
