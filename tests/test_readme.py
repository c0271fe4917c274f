"""What the README says is so, and it stays short."""

import re

from django.core.management import get_commands

from tests.site import ROOT
from tools_app.definitions.build import ToolOptions, build_tool

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_read_in_a_few_minutes() -> None:
    assert len(README.splitlines()) <= 120


def test_every_command_that_is_named_exists() -> None:
    named = set(re.findall(r"manage\.py (\w+)", README))
    assert named
    assert named <= set(get_commands())


def test_the_example_tool_works() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    scope: dict[str, object] = {}
    exec(compile(source.replace("@tool\n", ""), "README.md", "exec"), scope)
    built = build_tool(scope["open_orders"], ToolOptions())  # type: ignore[arg-type]  # what exec made has no type
    assert built.listed.input_schema["required"] == ["customer"]
    assert built.call_parameter == "call"


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"^\$ make (\w+)$|`(?:PORT=\d+ )?make (\w+)`", README, re.MULTILINE))
    assert {"run", "test"} <= {one or other for one, other in named}
    for target in {one or other for one, other in named}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
