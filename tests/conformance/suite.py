"""Run MCP's own conformance suite against a server, and read what it found.

What the suite said is kept in ``var/conformance``: its output, and for each scenario each check with its details.
"""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.node import PACKAGES, finish
from tests.site import ROOT

KEPT = ROOT / "var" / "conformance"
_DIRECTORY = re.compile(r"server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z")
_NOT_SCORED = re.compile(r"^  \S (\S+) \((?:extension|pending|added-after-release)\)$", re.MULTILINE)
# What the suite tells beside the verdicts.
_REMARKS = {"INFO"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the suite looked at."""

    scenario: str
    name: str
    status: str
    error: str
    details: Any

    def __str__(self) -> str:
        details = json.dumps(self.details, indent=2)[:2_000]
        return f"{self.status} {self.scenario}: {self.name}\n  {self.error[:1_000]}\n  {details}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run of the suite found. ``scored`` names the scenarios that conformance is judged by."""

    code: int
    output: str
    scored: frozenset[str]
    checks: Sequence[Check]

    def not_passed(self) -> list[Check]:
        """The checks of scored scenarios that found a fault, warn, or could not be made."""
        return [check for check in self.checks if check.scenario in self.scored and check.status != "SUCCESS"]

    def assert_clean(self, expected: frozenset[str]) -> None:
        """Nothing that is scored found any fault, but for the checks that are expected to, which all did."""
        faults = self.not_passed()
        unexpected = [str(check) for check in faults if check.name not in expected]
        assert not unexpected, "\n\n".join([*unexpected, f"All that the suite said is in {KEPT.relative_to(ROOT)}."])
        assert {check.name for check in faults} == expected, "A check passed that was expected to find a fault."
        assert self.code == 0, self.output


async def run(node: str, release: str, url: str, *options: str) -> Verdict:
    """Run a release of the suite ("0.1" or "0.2") against the server at ``url``."""
    kept = KEPT / "-".join([release, *(option.lstrip("-") for option in options)])
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    program = PACKAGES / f"conformance-{release}" / "dist" / "index.js"
    ended = await finish(
        kept, *(node, str(program), "server", "--url", url, "--output-dir", str(kept), *options), seconds=100
    )
    (kept / "output.txt").write_text(ended.all, encoding="utf-8")
    checks = [check for path in sorted(kept.glob("server-*/checks.json")) for check in _read(path)]
    ran = {check.scenario for check in checks}
    return Verdict(ended.code, ended.all, frozenset(ran - set(_NOT_SCORED.findall(ended.out))), checks)


def _read(path: Path) -> list[Check]:
    named = _DIRECTORY.fullmatch(path.parent.name)
    assert named is not None, path
    return [
        Check(named[1], found["name"], found["status"], found.get("errorMessage", ""), found.get("details"))
        for found in json.loads(path.read_text(encoding="utf-8"))
        if found["status"] not in _REMARKS
    ]
