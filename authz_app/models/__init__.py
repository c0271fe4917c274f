"""The models of this app, by the tables that belong together."""

from authz_app.models.events import (
    AuditEvent as AuditEvent,
)
from authz_app.models.events import (
    OpenSession as OpenSession,
)
from authz_app.models.history import (
    PolicyEdit as PolicyEdit,
)
from authz_app.models.history import (
    PolicyRevision as PolicyRevision,
)
from authz_app.models.permissions import (
    LONG_COLUMNS as LONG_COLUMNS,
)
from authz_app.models.permissions import (
    NO_TOOL_CALL as NO_TOOL_CALL,
)
from authz_app.models.permissions import (
    UNUSUAL_OUTCOME as UNUSUAL_OUTCOME,
)
from authz_app.models.permissions import (
    CallRecord as CallRecord,
)
from authz_app.models.permissions import (
    Client as Client,
)
from authz_app.models.permissions import (
    LimitCount as LimitCount,
)
from authz_app.models.permissions import (
    PolicyChange as PolicyChange,
)
from authz_app.models.permissions import (
    PolicyState as PolicyState,
)
from authz_app.models.permissions import (
    Rule as Rule,
)
from authz_app.models.permissions import (
    RuleClient as RuleClient,
)
from authz_app.models.permissions import (
    User as User,
)
from authz_app.models.seals import (
    AuditKey as AuditKey,
)
from authz_app.models.seals import (
    AuditLines as AuditLines,
)
from authz_app.models.seals import (
    AuditSeal as AuditSeal,
)
