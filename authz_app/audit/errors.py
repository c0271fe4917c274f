"""Why a call record could not be written.

AuditUnavailable    the database did not take the record in time; the call must not run
"""


class AuditUnavailable(Exception):
    """The call record could not be committed, so the call does not run."""
