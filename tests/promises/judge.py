"""Judge whether a call's record was committed under a policy that had been taken back. The database keeps the book.

A trigger notes, with every move of the policy version, what the policy then says of the call; another notes every
record. The order of commits is the database's own: PostgreSQL's commit timestamps, SQLite's single writer.

Takes any DB-API cursor, Django's or a driver's own, and the database's ``vendor`` ("sqlite" or "postgresql").
"""

from dataclasses import dataclass
from typing import Any

_ALLOWED = """EXISTS (
    SELECT 1 FROM authz_app_rule r, authz_app_client c, tools_app_tool t
    WHERE r.id = {rule} AND c.id = {client} AND t.name = '{tool}'
      AND r.enabled AND r.effect = 'allow' AND r.tools = '{tools}' AND c.status = 'active' AND t.enabled
      AND (r.applies_to = 'every' OR EXISTS (
          SELECT 1 FROM authz_app_ruleclient m WHERE m.rule_id = r.id AND m.client_id = c.id))
    AND NOT EXISTS (SELECT 1 FROM authz_app_rule d WHERE d.effect = 'deny' AND d.enabled))"""

_OPEN = {
    "sqlite": [
        "CREATE TABLE book (seq INTEGER PRIMARY KEY, version BIGINT, allowed BOOLEAN, record TEXT)",
        "CREATE TRIGGER book_move AFTER UPDATE ON authz_app_policystate BEGIN"
        " INSERT INTO book (version, allowed) SELECT NEW.version, {allowed}; END",
        "CREATE TRIGGER book_record AFTER INSERT ON authz_app_callrecord BEGIN"
        " INSERT INTO book (record) VALUES (NEW.id); END",
    ],
    "postgresql": [
        "CREATE TABLE book (version BIGINT, allowed BOOLEAN, decided_under BIGINT)",
        "CREATE FUNCTION book_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO book (version, allowed) SELECT NEW.version, {allowed}; RETURN NULL; END $$",
        "CREATE FUNCTION book_record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO book (decided_under) VALUES (NEW.policy_version); RETURN NULL; END $$",
        "CREATE TRIGGER book_record AFTER INSERT ON authz_app_callrecord FOR EACH ROW EXECUTE FUNCTION book_record()",
        "CREATE TRIGGER book_move AFTER UPDATE ON authz_app_policystate FOR EACH ROW EXECUTE FUNCTION book_move()",
    ],
}
_CLOSE = {
    "sqlite": [
        "DROP TABLE book",
        "DROP TRIGGER IF EXISTS book_move",
        "DROP TRIGGER IF EXISTS book_record",
    ],
    "postgresql": ["DROP TABLE book CASCADE", "DROP FUNCTION book_move, book_record CASCADE"],
}


@dataclass(frozen=True)
class Question:
    """May this client call this tool? One rule, for these ``tools``, is all that allows it; any deny rule denies it."""

    rule: int
    client: int
    tool: str
    tools: str = "*"


def open_book(cursor: Any, vendor: str, question: Question) -> None:
    """Keep the book from now on. It can judge from the first move of the policy version that it sees."""
    allowed = _ALLOWED.format(**vars(question))
    for statement in _OPEN[vendor]:
        cursor.execute(statement.format(allowed=allowed))


def close_book(cursor: Any, vendor: str) -> None:
    for statement in _CLOSE[vendor]:
        cursor.execute(statement)


def has_commit_order(cursor: Any, vendor: str) -> bool:
    """Whether the database can tell; PostgreSQL does where `track_commit_timestamp` is on."""
    if vendor == "sqlite":
        return True
    cursor.execute("SHOW track_commit_timestamp")
    return bool(cursor.fetchone()[0] == "on")


def violations(cursor: Any, vendor: str, question: Question) -> list[str]:
    """Records that do not agree with the policy that was committed when they were."""
    cursor.execute("SELECT version, allowed FROM book WHERE version IS NOT NULL")
    truth = {version: bool(allowed) for version, allowed in cursor.fetchall()}
    cursor.execute(
        "SELECT id, decision, policy_version FROM authz_app_callrecord"
        f" WHERE tool = '{question.tool}' AND client_id = {question.client}"
    )
    wrong = [
        f"{record}: {decision} under version {version}"
        for record, decision, version in cursor.fetchall()
        if version in truth and truth[version] != (decision == "allowed")
    ]
    return wrong + (_late_on_sqlite(cursor) if vendor == "sqlite" else _late_on_postgresql(cursor))


def _late_on_sqlite(cursor: Any) -> list[str]:
    """SQLite has one writer at a time, so the order of the book's rows is the order of commits."""
    cursor.execute("SELECT id, policy_version FROM authz_app_callrecord")
    decided_under = dict(cursor.fetchall())
    cursor.execute("SELECT version, record FROM book ORDER BY seq")
    late, current = [], None
    for version, record in cursor.fetchall():
        current = version if version is not None else current
        if record is not None and current is not None and decided_under[record] != current:
            late.append(f"{record}: committed under {current}")
    return late


def _late_on_postgresql(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT r.decided_under, b.version FROM book r, book b WHERE b.version > r.decided_under"
        " AND pg_xact_commit_timestamp(b.xmin) < pg_xact_commit_timestamp(r.xmin)"
    )
    return [f"decided under {old}, committed after {new}" for old, new in cursor.fetchall()]
