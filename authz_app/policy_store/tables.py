"""Lists the tables that decisions read, for triggers, loads and history alike."""

from authz_app.models import Client, Rule, RuleClient
from authz_app.policy_store import tool_port
from authz_app.policy_store.policy_table import PolicyTable

STATE = "authz_app_policystate"
CHANGE = "authz_app_policychange"
EDIT = "authz_app_policyedit"
REVISION = "authz_app_policyrevision"
WHOLE_POLICY = "all"
# A load reads everything where more changed than this, so no more is noted either.
MOST_CHANGES = 500


_ITS_OWN_TIMES = "The history has its own times."
_SEEN = "Seen by the site, not changed by anybody."

_OWN_TABLES = (
    PolicyTable(
        Rule,
        "rule",
        "rule",
        noted=("note", "stopped_by"),
        left_out={"created_at": _ITS_OWN_TIMES, "updated_at": _ITS_OWN_TIMES},
    ),
    PolicyTable(RuleClient, "member", "rule", owner="rule_id", client="client_id"),
    # Nothing is decided about a client before its row has been read, so a first sight changes nothing.
    PolicyTable(
        Client,
        "client",
        "client",
        noted=("kind", "notes"),
        left_out={"first_seen": _SEEN, "last_seen": _SEEN},
        on_insert=False,
        client="id",
    ),
)


def policy_tables() -> list[PolicyTable]:
    """The tables of this app, and the table of tools."""
    tools = tool_port.connected().table
    return [*_OWN_TABLES, *([tools] if tools else [])]


def vanished(table: PolicyTable) -> str:
    """SQL to select, behind the edit, a revision of each row that the history has and the table has not."""
    return (
        f"r.entity, r.entity_id, r.part, r.part_id, r.client_id, r.became, NULL FROM {REVISION} r"
        f" WHERE r.became IS NOT NULL AND r.id IN (SELECT MAX(x.id) FROM {REVISION} x WHERE x.part = '{table.part}'"
        f" AND NOT EXISTS (SELECT 1 FROM {table.table} t WHERE t.id = x.part_id) GROUP BY x.part_id)"
    )


def latest(table: PolicyTable, row_id: str) -> str:
    """SQL for the id of a row's latest revision."""
    return f"(SELECT MAX(x.id) FROM {REVISION} x WHERE x.part = '{table.part}' AND x.part_id = {row_id})"


def table_of(part: str) -> PolicyTable:
    """The table whose rows have this name in the history."""
    return next(table for table in policy_tables() if table.part == part)
