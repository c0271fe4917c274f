"""`make prove` keeps what docs/security.md says of it, and can fail."""

import io
import os
import subprocess
import sys
from base64 import b64encode
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest

from tests.prove.display import Display
from tests.prove.evidence import Broken, Evidence, Say
from tests.prove.plants import Plants
from tests.prove.play import PROMISES, Promise, play
from tests.prove.stage import Stage
from tests.site import ROOT


@pytest.mark.timeout(240)
def test_all_six_promises_are_kept_on_a_running_site() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.prove"],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kept = [line for line in done.stdout.splitlines() if line.startswith("✓ ")]
    assert [line.startswith(f"✓ {number} {promise.words}.") for number, (line, promise) in _numbered(kept)] == [
        True
    ] * 6
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def _numbered(kept: list[str]) -> "enumerate[tuple[str, Promise]]":
    return enumerate(zip(kept, PROMISES, strict=True), start=1)


async def _kept(stage: Stage, say: Say) -> Evidence:
    return Evidence("3 of 3 were refused", "what takes two workers")


async def _broken(stage: Stage, say: Say) -> Evidence:
    raise Broken("2 of 3 were refused")


async def _crashes(stage: Stage, say: Say) -> Evidence:
    raise LookupError("no such row")


def _no_stage() -> AbstractContextManager[Stage]:
    stage: Any = SimpleNamespace(words="nothing at all", http=httpx2.AsyncClient())
    return nullcontext(cast(Stage, stage))


def _played(*promises: Promise, **environment: str) -> tuple[int, str]:
    printed = io.StringIO()
    code = play(promises, _no_stage, Display(printed, environment))
    return code, printed.getvalue()


def test_a_broken_promise_is_told_in_red_and_fails_the_proof() -> None:
    code, printed = _played(Promise("Kept", _kept), Promise("Not kept", _broken), FORCE_COLOR="1")
    assert code == 1
    assert "\x1b[31m. Seen: 2 of 3 were refused\x1b[0m" in printed
    assert "\x1b[31m1 of 2 promises broken, in 0 s.\x1b[0m" in printed


def test_a_promise_that_could_not_be_tested_fails_the_proof_and_the_others_are_tested() -> None:
    code, printed = _played(Promise("Not tested", _crashes), Promise("Kept", _kept))
    assert code == 1
    assert (
        "✗ 1 Not tested. It could not be tested: LookupError: no such row\n✓ 2 Kept. 3 of 3 were refused\n" in printed
    )


def test_what_could_not_be_shown_is_said() -> None:
    code, printed = _played(Promise("Kept", _kept))
    assert code == 0
    assert "    Not shown here: what takes two workers\n" in printed


def test_no_color_is_stronger_than_force_color() -> None:
    assert "\x1b" not in _played(Promise("Kept", _kept), NO_COLOR="1", FORCE_COLOR="1")[1]


@pytest.mark.parametrize("form", ["{0}", "Basic YWdlbnQ6{1}", "x{2}x", "cut off {3}"])
def test_a_planted_secret_is_found_in_each_of_its_forms(form: str) -> None:
    plants = Plants()
    secret = plants.make("a key")
    token = plants.note("tokens", f"eyJhbGciOiJub25lIn0.{'c' * 40}.{'s' * 40}")
    encoded = b64encode(secret.encode()).decode()
    text = form.format(secret, encoded, token, token.split(".")[2])
    assert plants.kind_in(text) in ("a key", "tokens")
    assert secret not in plants.without(text)
    assert plants.kind_in("nothing of the kind") == ""
