"""Rotate the audit key: list the new one in the database first, and only then put it in the place of the old one.

A rotation that is broken off in between loses no key; repeated, it is completed.
"""

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.evidence.checkpoint import last_number
from authz_app.evidence.keys import AuditKeyError, AuditSigner, signer
from authz_app.evidence.listed_keys import introduce, list_successor, take_over, waits_to_take_over
from authz_app.evidence.sealing import take_lock


def rotate(connection: BaseDatabaseWrapper) -> AuditSigner:
    """Make a new key, which signs from the next seal on.

    Raises:
        AuditKeyError: it does not, and ``str()`` says why. The old key still signs, or the rotation is to be repeated.
        DatabaseError: the old key still signs.
    """
    if not waits_to_take_over():
        with transaction.atomic(connection.alias):
            if not take_lock(connection):
                raise AuditKeyError("Something is being sealed at this moment. Try again.")
            old = signer(create=True)
            introduce(old)  # It may never have sealed, and only the one that signs now can give to another.
            list_successor(old, last_number(connection) + 1)
    take_over()
    return signer()
