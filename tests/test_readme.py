"""What the README says is so."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from authz_app.policy.rule import KINDS
from mcpsite import settings
from tests.site import ROOT
from tools_app.definitions.build import ToolOptions, build_tool
from tools_app.errors import NotFound
from tools_app.registry import registered, resource_at, unregister

README = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([A-Z_0-9]+)` \|([^|]*)\|", README, re.MULTILINE))
IN_WORDS = {"PUBLIC_URL", "DATABASE_URL", "LOCAL_ISSUER"}


def test_every_setting_is_in_the_table_and_nothing_else_is() -> None:
    assert set(ROWS) == set(settings.ENV.scheme)


@pytest.mark.parametrize("name", sorted(set(settings.ENV.scheme) - IN_WORDS))
def test_the_table_tells_the_default(name: str) -> None:
    default = settings.ENV.scheme[name][1]
    told = ROWS[name].strip().strip("`")
    assert told == (str(default).lower() if isinstance(default, bool) else "" if default in ("", []) else str(default))


def test_every_command_that_is_named_exists() -> None:
    named = set(re.findall(r"manage\.py (\w+)", README))
    assert named <= set(get_commands())


def test_the_example_tool_works() -> None:
    source = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert source is not None
    scope: dict[str, object] = {}
    exec(compile(source[1].replace("@tool\n", ""), "README.md", "exec"), scope)
    built = build_tool(scope["open_orders"], ToolOptions())  # type: ignore[arg-type]  # what exec made has no type
    assert built.listed.input_schema["required"] == ["customer"]
    assert built.call_parameter == "call"


def test_the_example_resource_and_prompt_work() -> None:
    _, source = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    before = {kind: set(registered(kind)) for kind in KINDS}
    exec(compile(source, "README.md", "exec"), {})
    try:
        found = resource_at("orders://7")
        assert found is not None
        order, variables = found
        assert (order.name, order.function(**order.accept(variables))["customer"]) == ("order", "Ada")
        with pytest.raises(NotFound):
            order.function("8")
        assert order.completers["number"].function("") == ["7"]
        reminder = registered("prompt")["reminder"]
        assert reminder.function(**reminder.accept({"customer": "Ada"})) == "Write a friendly reminder to Ada."
    finally:
        for kind in KINDS:
            for name in set(registered(kind)) - before[kind]:
                unregister(name, kind)


def test_every_make_target_that_is_named_exists() -> None:
    makefile = Path(ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`(?:PORT=\d+ )?make (\w+)`", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
