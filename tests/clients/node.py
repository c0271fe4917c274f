"""Programs for Node, as `make test` installs them: MCP clients, and the conformance suite."""

import asyncio
import os
import shutil
import signal
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import need
from tests.site import ROOT

PACKAGES = ROOT / "var" / "clients" / "node_modules"
INSPECTOR = PACKAGES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
AI_SDK = ROOT / "tests" / "clients" / "ai_sdk.mjs"
MCP_REMOTE = PACKAGES / "mcp-remote" / "dist" / "proxy.js"
TYPESCRIPT = ROOT / "tests" / "clients" / "typescript.mjs"
TYPESCRIPT_LOGIN = ROOT / "tests" / "clients" / "typescript_login.mjs"
_OLDEST = 22


def claude_code() -> str:
    """Where the program of Claude Code is, which brings its own runtime."""
    return next(str(path) for path in PACKAGES.glob("@anthropic-ai/claude-code-*/claude"))


def codex() -> str:
    """Where the program of Codex is, which brings its own runtime."""
    return next(str(path) for path in PACKAGES.glob("@openai/codex-*/vendor/*/bin/codex"))


def program() -> str | None:
    """Where a Node is that all of these programs run on: their own, or one that is installed."""
    return next((found for found in (_own(), shutil.which("node")) if found and _is_new_enough(found)), None)


def _own() -> str | None:
    # Not in .bin, where npm 9 puts no link to it: several packages, one for each kind of machine, would have the name.
    return next((str(path) for path in PACKAGES.glob("node-*/bin/node")), None)


def _is_new_enough(node: str) -> bool:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    return said.startswith("v") and int(said[1:].partition(".")[0]) >= _OLDEST


def need_clients() -> str:
    """The Node to run the clients on. Skips the test where they are not installed; in CI that is a failure."""
    node = program()
    need(f"The clients for Node {_OLDEST} (npm; `make test` installs them)", INSPECTOR.exists() and node is not None)
    assert node is not None
    return node


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program left behind."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"


@asynccontextmanager
async def running(home: Path, *command: str, **environment: str) -> AsyncIterator[Process]:
    """A program with a home directory of its own, where these clients keep their tokens. It is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
        limit=10_000_000,
        env={**os.environ, "HOME": str(home), "MCP_REMOTE_CONFIG_DIR": str(home / "mcp-auth"), **environment},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def finish(home: Path, *command: str, seconds: float = 60, **environment: str) -> Finished:
    """Run a program to its end.

    Raises:
        AssertionError: it took longer than ``seconds``.
    """
    async with running(home, *command, **environment) as process:
        try:
            async with asyncio.timeout(seconds):
                out, err = await process.communicate(b"")  # Some wait for the end of what they are sent.
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = await process.communicate()
            raise AssertionError(f"It did not end within {seconds:g} s:\n{out.decode()}\n{err.decode()}") from None
    return Finished(process.returncode or 0, out.decode(), err.decode())
