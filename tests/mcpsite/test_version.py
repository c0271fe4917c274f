"""The version of the product is stated once, and told by all who tell it."""

import re
import tomllib
from pathlib import Path

from mcpsite import version
from mcpsite.version import VERSION
from tools_app.mcp_client import connection
from tools_app.protocol.server import server

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_package_has_the_version_that_the_module_states() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in pyproject["project"] and pyproject["project"]["dynamic"] == ["version"]
    assert pyproject["tool"]["setuptools"]["dynamic"]["version"] == {"attr": f"{version.__name__}.VERSION"}


def test_no_other_module_states_it() -> None:
    sources = [path for app in ("authz_app", "tools_app", "mcpsite") for path in (ROOT / app).rglob("*.py")]
    assert [path for path in sources if f'"{VERSION}"' in path.read_text()] == [ROOT / "mcpsite" / "version.py"]


def test_server_and_client_tell_it() -> None:
    assert server.version == VERSION
    assert connection._SOFTWARE.version == VERSION


def test_the_changelog_s_newest_release_is_this_version() -> None:
    releases = re.findall(r"(?m)^## (\d\S*),", (ROOT / "docs" / "CHANGELOG.md").read_text())
    assert releases[0] == VERSION
