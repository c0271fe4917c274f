#!/usr/bin/env python3
"""Verify an export of call records and events: with nothing but the files, the public key, and `cryptography`.

    python verify_records.py --public-key audit.pem records.jsonl
    python verify_records.py --public-key audit.pem records.csv records.events.csv --seals records.seals.jsonl
    python verify_records.py --public-key audit.pem --log audit.jsonl.1 audit.jsonl

Prints what is not as it was written, the first place first, and what could not be checked. Exit code 0: all that was
checked holds; 1: something does not; 2: the files cannot be read. docs/evidence.md has the format.
"""

import argparse
import csv
import hashlib
import heapq
import json
import sys
import uuid
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

MOST = 100
NUMBERS = {"policy_version", "client_id", "duration_ms", "result_size", "count"}
BOOLEANS = {"undelivered"}
LARGEST_SEGMENT = 500
SETTLED_AFTER = timedelta(seconds=10)
NOT_COLUMNS = {"table", "seal", "hash", "withheld", "cut"}
NULL_IF_EMPTY = {"deadline", "duration_ms", "result_size"}
csv.field_size_limit(2**30)


class Number(str):
    """A number as it was written: its digits are what was hashed."""


def line(values):
    """The canonical line: a JSON array without spaces."""
    return ("[" + ",".join(v if isinstance(v, Number) else text(v) for v in values) + "]").encode()


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse(raw):
    return json.loads(raw, parse_float=Number, parse_int=Number)


def signed(statement, signature, public):
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), statement.encode())
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def moment(text):
    return datetime.fromisoformat(text.removesuffix("Z"))


def is_final(said):
    """Whether a record will not change any more."""
    return "decision" not in said or said["decision"] == "denied" or said["outcome"] != ""


def ended(said):
    """When it became final: a call without a duration was denied, or its outcome is unknown."""
    if said.get("duration_ms") is None:
        return moment(said.get("deadline") or said["at"])
    return moment(said["at"]) + timedelta(milliseconds=float(said["duration_ms"]))


def key_id(public):
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]


def digest(statement):
    return hashlib.sha256(statement.encode()).hexdigest()


class Verifier:
    """Takes the lines of an export in order. ``findings`` and ``unchecked`` are sentences."""

    def __init__(self, public):
        self.public = public
        self.findings, self.unchecked = [], []
        self.keys, self.trusted, self.begins = {}, {}, {}
        self.columns, self.whole, self.interval = {}, False, None
        self.rows, self.row_seal = [], None
        self.last, self.last_digest = None, "0" * 64
        self.seals = self.records = self.unsealed = self.left_out = self.pruned = self.partly = 0
        self.ended = False
        self.hashed = hashlib.sha256()

    def bad(self, what):
        if len(self.findings) < MOST:
            self.findings.append(what)

    def take(self, raw):
        """One line of the file of seals, or of all."""
        said = parse(raw)
        if "ended" in said:
            self.end(said)
            return
        if self.ended:
            self.bad("Lines were added after the end.")
        self.hashed.update(raw)
        if "export" in said:
            self.columns, self.whole = said["columns"], said["whole"]
            if "interval" in said:
                self.interval = timedelta(seconds=float(said["interval"]))
        elif "key" in said:
            self.keys[json.loads(said["key"])["key"]] = said
        elif "table" in said:
            self.row(said["table"], said["seal"], [said[name] for name in self.columns[said["table"]]])
        elif "sealed" in said:
            self.seal(said)
        else:
            self.bad(f"A line is none of an export: {raw[:80]!r}.")

    def row(self, table, seal, values):
        self.records += 1
        if seal is None:
            self.unsealed_row(dict(zip(self.columns[table], values, strict=True)))
            return
        if self.rows and self.row_seal != int(seal):
            self.without_seal()
        self.row_seal = int(seal)
        values = [Number(1), table, *values]
        record = uuid.UUID(values[2]).bytes
        self.rows.append((values[2], record, record + hashlib.sha256(line(values)).digest()))

    def unsealed_row(self, said):
        """One that waits for its seal. It has come in behind the sealer's back if it ended long before the last one."""
        self.unsealed += 1
        if self.interval is None or not self.last or self.last["count"] >= LARGEST_SEGMENT or not is_final(said):
            return
        if ended(said) < moment(self.last["at"]) - SETTLED_AFTER - self.interval:
            self.bad(
                f"Record {said['id']} was inserted, or written late: it is older than seal {self.last['seal']},"
                " and in no seal."
            )

    def without_seal(self):
        self.bad(f"Seal {self.row_seal} is not there, though record {self.rows[0][0]} is in it.")
        self.rows = []

    def seal(self, said):
        statement = self.follow(said, first=1 if self.whole else None)
        number = statement["seal"]
        rows, self.rows = self.rows, []
        if said["pruned"]:
            self.check_pruned(said, number, statement)
        elif said["members"] is not None:
            self.check_rows(number, statement, bytes.fromhex(said["members"]), rows)
        elif rows:
            self.bad(f"Record {rows[0][0]} was inserted: seal {number} came without its list of records.")
        else:
            self.left_out += statement["count"]

    def follow(self, said, first):
        """One seal after the other. ``first``: the number that the first one has to have."""
        self.trust()
        statement = json.loads(said["sealed"])
        number = int(statement["seal"])
        if self.rows and self.row_seal != number:
            self.without_seal()
        self.seals += 1
        expected = self.last["seal"] + 1 if self.last else first or number
        if number != expected:
            self.bad(f"Seal {expected} is missing: {number} comes in its place.")
        if number == expected and (self.last or first) and statement["previous"] != self.last_digest:
            self.bad(f"Seal {number} does not follow seal {number - 1}, which was edited or replaced.")
        self.check_signature(said, number, statement["key"])
        self.last, self.last_digest = statement, digest(said["sealed"])
        return statement

    def logged_seal(self, said, rows):
        """A seal as a log has it: without its list of records, which those that were logged make up."""
        statement = self.follow(said, first=None)
        number, count = statement["seal"], statement["count"]
        if said.get("pruned"):
            self.check_pruned(said, number, statement)
        elif len(rows) != count:
            self.bad(f"Seal {number} is over {count} records, and the log has {len(rows)}.")
        elif hashlib.sha256(b"".join(sorted(map(self.logged_row, rows)))).hexdigest() != statement["members"]:
            self.bad(f"The records of seal {number} are not those that were sealed.")

    def logged_row(self, said):
        """Where a line says that something of it was left out, what is left is not checked, but its hash is."""
        self.records += 1
        values = [value for name, value in said.items() if name not in NOT_COLUMNS]
        if "withheld" in said or "cut" in said:
            self.partly += 1
        elif hashlib.sha256(line([Number(1), said["table"], *values])).hexdigest() != said["hash"]:
            self.bad(f"Record {said['id']} was edited after it was logged.")
        return uuid.UUID(said["id"]).bytes + bytes.fromhex(said["hash"])

    def check_signature(self, said, number, key):
        if key not in self.trusted:
            self.bad(f"Seal {number} was made without the key: it is signed by {key}, which is none that is trusted.")
        elif not signed(said["sealed"], said["signature"], self.trusted[key]):
            self.bad(f"Seal {number} was edited, or made without the key: its signature is not that of the key {key}.")
        elif not self.in_its_time(key, number):
            self.bad(f"Seal {number} is signed by the key {key}, which did not sign at that time.")

    def in_its_time(self, key, number):
        later = [begin for other, begin in self.begins.items() if other != key and begin > self.begins[key]]
        return self.begins[key] <= number and not any(begin <= number for begin in later)

    def check_pruned(self, said, number, statement):
        try:
            pruning = json.loads(said["pruned"])
            public = self.trusted[pruning["key"]]
            right = (pruning["pruned"], pruning["digest"]) == (number, digest(said["sealed"]))
        except (ValueError, KeyError, TypeError):
            public, right = "", False
        if not (right and signed(said["pruned"], said["pruned_signature"], public)):
            self.bad(f"Seal {number} says that its records were pruned, which is not so.")
        self.pruned += statement["count"]

    def check_rows(self, number, statement, members, rows):
        if (hashlib.sha256(members).hexdigest(), len(members) // 48) != (statement["members"], statement["count"]):
            self.bad(f"Seal {number} was edited: its list of records is not the one that was signed.")
            return
        sealed = {members[at : at + 16]: members[at : at + 48] for at in range(0, len(members), 48)}
        found = {record: member for _, record, member in rows}
        for record in sorted({*found, *(sealed if self.whole else ())}):
            if record not in sealed:
                self.bad(
                    f"Record {uuid.UUID(bytes=record)} was inserted: it was not there when seal {number} was made."
                )
            elif record not in found:
                self.bad(f"Record {uuid.UUID(bytes=record)} was removed: seal {number} is over it.")
            elif sealed[record] != found[record]:
                self.bad(f"Record {uuid.UUID(bytes=record)} was edited after seal {number} was made.")
        if len(found) != len(rows):
            self.bad(f"A record of seal {number} is there twice.")
        self.left_out += len({*sealed} - {*found})

    def end(self, said):
        if self.rows:
            self.without_seal()
        self.trust()
        self.ended = True
        statement = json.loads(said["ended"])
        if not statement["key"]:
            self.unchecked.append("Whether the export is complete: it was made without the key.")
            return
        public = self.trusted.get(statement["key"], "")
        if not signed(said["ended"], said["signature"], public):
            self.bad("The end of the export is not signed by a key that is trusted.")
        elif (statement["export"], statement["records"]) != (self.hashed.hexdigest(), self.records - self.unsealed):
            self.bad("The export is not as it was made: records or lines were changed, removed or inserted.")
        last = self.last["seal"] if self.last else 0
        if statement["head"] is None:
            self.unchecked.append("Whether the newest seals had been cut off: whoever exported had made none.")
        elif self.whole and statement["head"][0] > last:
            self.bad(f"Seals {last + 1} to {statement['head'][0]} were made, and cut off.")

    def finish(self):
        if self.rows:
            self.without_seal()
        if not self.ended:
            self.bad("The end of the file was cut off.")
        if self.unsealed:
            self.unchecked.append(f"{self.unsealed} records that were not sealed yet.")
        if self.pruned:
            self.unchecked.append(f"{self.pruned} records that were pruned.")
        if self.partly:
            self.unchecked.append(f"What {self.partly} lines say: something was left out. That they were sealed is.")
        if self.left_out and not self.whole:
            self.unchecked.append(f"{self.left_out} records of the same segments, which were not asked for.")

    def trust(self):
        """From the key that is known to be right to those that it follows, and to those that follow it."""
        if self.trusted:
            return
        root = key_id(self.public)
        self.trusted, self.begins = {root: self.public}, {root: 1}
        said = {name: json.loads(row["key"]) for name, row in self.keys.items()}
        sound = {
            name: one
            for name, one in said.items()
            if key_id(one["public"]) == name
            and signed(self.keys[name]["key"], self.keys[name]["signature"], one["public"])
        }
        if root not in sound:
            self.bad(f"The key {root} is not among those of the export.")
            return
        links = {
            name: one["follows"]
            for name, one in sound.items()
            if one["follows"] in sound
            and signed(
                self.keys[name]["key"], self.keys[name]["predecessor_signature"], sound[one["follows"]]["public"]
            )
        }
        key = root
        while key:
            self.trusted[key], self.begins[key] = sound[key]["public"], sound[key]["first_seal"]
            key = links.get(key)
        key = root
        while key:
            after = [name for name, follows in links.items() if follows == key]
            key = after[0] if len(after) == 1 and after[0] not in self.trusted else None
            if key:
                self.trusted[key], self.begins[key] = sound[key]["public"], sound[key]["first_seal"]
        for name in sorted(set(self.keys) - set(self.trusted)):
            self.bad(f"The key {name} was added without the key before it, or edited.")


def from_cell(name, cell):
    if not cell and name in NULL_IF_EMPTY:
        return None
    if name in NUMBERS:
        return Number(cell)
    if name in BOOLEANS:
        return cell == "true"
    return cell[1:] if cell.startswith("'") else cell


def csv_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        _, _, *columns = next(reader)
        for table, seal, *cells in reader:
            yield table, int(seal) if seal else None, [from_cell(*one) for one in zip(columns, cells, strict=True)]


def take_csv(verifier, files, seals):
    """Each record before the seal over it, as in the other form."""
    # Those without a seal come last.
    rows = heapq.merge(*map(csv_rows, files), key=lambda row: (row[1] is None, row[1] or 0))
    row = next(rows, None)
    with open(seals, "rb") as file:
        for raw in file:
            said = json.loads(raw)
            number = json.loads(said["sealed"])["seal"] if "sealed" in said else None
            while row and row[1] is not None and number is not None and row[1] <= number:
                verifier.row(*row)
                row = next(rows, None)
            if "ended" in said:
                while row:
                    verifier.row(*row)
                    row = next(rows, None)
            verifier.take(raw)


def take_log(verifier, files):
    """Lines of a log, in any order, each at least once."""
    seals, rows, torn = {}, {}, 0
    for path in files:
        with open(path, "rb") as file:
            for raw in file:
                try:
                    said = parse(raw)
                except ValueError:
                    torn += 1
                    continue
                take_logged(verifier, said, seals, rows)
    for number in sorted(seals):
        verifier.logged_seal(seals[number], list(rows.pop(number, {}).values()))
    for number in sorted(rows):
        verifier.bad(f"Seal {number} is not in the log, though {len(rows[number])} of its records are.")
    verifier.ended = True
    if torn:
        verifier.unchecked.append(f"{torn} lines that are no JSON: whoever wrote them was cut short.")
    if verifier.last:
        last = f"{verifier.last['seal']}:{verifier.last_digest}"
        verifier.unchecked.append(f"Whether the newest lines are there: `manage.py audit verify --expect {last}`.")


def take_logged(verifier, said, seals, rows):
    if "key" in said:
        verifier.keys[json.loads(said["key"])["key"]] = said
    elif "sealed" in said:
        number = int(json.loads(said["sealed"])["seal"])
        if seals.setdefault(number, said)["sealed"] != said["sealed"]:
            verifier.bad(f"Seal {number} is there twice, and not the same.")
    else:
        there = rows.setdefault(int(said["seal"]), {})
        if there.setdefault(said["id"], said) != said:
            verifier.bad(f"Record {said['id']} is there twice, and not the same.")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Verify an export of call records and events.")
    parser.add_argument("records", nargs="+", help="the export: a .jsonl, or all of its .csv; or files of a log")
    parser.add_argument("--seals", help="the file of seals that goes with .csv")
    parser.add_argument("--log", action="store_true", help="these are lines of a log, as AUDIT_LINES has them written")
    parser.add_argument("--public-key", required=True, help="a public key that is known to be right, in PEM form")
    options = parser.parse_args(arguments)
    if options.records[0].endswith(".csv") != bool(options.seals):
        parser.error("records in CSV are proved by the file of seals that was exported with them: --seals FILE")
    if len(options.records) > 1 and not (options.seals or options.log):
        parser.error("each .jsonl is an export of its own")
    try:
        public = load_pem_public_key(Path(options.public_key).read_bytes())
        verifier = Verifier(public.public_bytes(Encoding.Raw, PublicFormat.Raw).hex())
        if options.log:
            take_log(verifier, options.records)
        elif options.seals:
            take_csv(verifier, options.records, options.seals)
        else:
            with open(options.records[0], "rb") as file:
                for raw in file:
                    verifier.take(raw)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"This cannot be read as an export, or as its key: {error!r}", file=sys.stderr)
        return 2
    verifier.finish()
    for finding in verifier.findings:
        print(finding)
    print(f"Checked: {verifier.records - verifier.unsealed} records, {verifier.seals} seals.")
    for unchecked in verifier.unchecked:
        print(f"Not checked: {unchecked}")
    print("NOT as it was written; the first place is named first." if verifier.findings else "As it was written.")
    return 1 if verifier.findings else 0


if __name__ == "__main__":
    sys.exit(main())
