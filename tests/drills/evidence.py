"""What happened, as neither the server nor its callers tell it: every change of an outcome, and every run of a tool."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.databases import execute, rows
from tests.site import Site

# Written by the database itself, so that no fate of a record escapes it.
_WATCH = """
    CREATE TABLE drill_fate (record uuid, outcome text, at timestamptz DEFAULT clock_timestamp());
    CREATE FUNCTION drill_note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO drill_fate (record, outcome) VALUES (NEW.id, NEW.outcome); RETURN NULL; END $$;
    CREATE TRIGGER drill_fate AFTER INSERT ON authz_app_callrecord
        FOR EACH ROW WHEN (NEW.outcome <> '') EXECUTE FUNCTION drill_note();
    CREATE TRIGGER drill_fate_changed AFTER UPDATE ON authz_app_callrecord
        FOR EACH ROW WHEN (NEW.outcome IS DISTINCT FROM OLD.outcome) EXECUTE FUNCTION drill_note();
"""
_OPEN = "SELECT count(*) FROM authz_app_callrecord WHERE decision = 'allowed' AND outcome = ''"
_FATES = """
    SELECT count(*) FROM authz_app_callrecord LEFT JOIN drill_fate ON record = authz_app_callrecord.id
    WHERE decision = 'allowed' GROUP BY authz_app_callrecord.id HAVING count(record) <> 1
"""
_OUTCOMES = "SELECT outcome, count(*) FROM authz_app_callrecord WHERE decision = 'allowed' GROUP BY outcome"
_LATENESS = """
    SELECT worker, extract(epoch FROM drill_fate.at - deadline)::float FROM authz_app_callrecord
    JOIN drill_fate ON record = authz_app_callrecord.id WHERE drill_fate.outcome = 'unknown'
"""


def watch_fates(database_url: str) -> None:
    """Note from now on whenever a record gets an outcome, or another one."""
    execute(database_url, _WATCH)


def open_records(database_url: str) -> int:
    """How many records have no outcome."""
    [(count,)] = rows(database_url, _OPEN)
    return int(count)


def outcomes(database_url: str) -> Counter[str]:
    return Counter(dict(rows(database_url, _OUTCOMES)))


def unknown(database_url: str) -> list[tuple[str, float]]:
    """For each record that was found unknown: its worker, and how many seconds after its deadline that was."""
    return [(worker, late) for worker, late in rows(database_url, _LATENESS)]


def assert_one_fate_each(database_url: str) -> None:
    assert rows(database_url, _FATES) == [], "a record has no outcome, or had two"


def assert_every_run_has_one_record(database_url: str, marks: Path) -> int:
    """Every mark was made by a call of its own, which has a record; returns how many there are."""
    query = "SELECT arguments FROM authz_app_callrecord WHERE decision = 'allowed'"
    recorded = Counter(json.loads(arguments)["text"] for (arguments,) in rows(database_url, query))
    ran = Counter(marks.read_text(encoding="utf-8").split())
    assert ran
    assert max(ran.values()) == 1
    assert not ran - recorded, "a tool ran without a record"
    return ran.total()


def complaints(sites: Iterable[Site]) -> list[str]:
    """The lines of the logs that are neither of the access log nor of a session's coming and going."""
    usual = (" access: ", "Serving http", ": MCP session ")
    return [line for site in sites for line in site.lines if not any(words in line for words in usual)]
