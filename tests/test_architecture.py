"""How the source hangs together: who imports whom, and what stays out of where."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
APPS = ("mcpsite", "tools_app", "authz_app")
SOURCES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py"))

# Each may import those that follow it. Log lines are redacted by what the audit redacts with.
MAY_IMPORT = {"mcpsite": {"mcpsite", "tools_app", "authz_app"}, "tools_app": {"tools_app", "authz_app"}}
MAY_IMPORT["authz_app"] = {"authz_app"}
PURE = [
    f"authz_app/{name}.py"
    for name in (
        "allowances",
        "compiling",
        "condition_text",
        "conditions",
        "decision",
        "explained_parts",
        "explained_words",
        "explanation",
        "globs",
        "policy",
        "principal",
        "recording",
        "rule",
        "rule_index",
        "satisfy",
        "sentence",
        "standing",
        "withheld",
        "audit/cards",
        "audit/entries",
        "audit/named_values",
        "audit/redaction",
        "audit/secret_names",
        "audit/secret_shapes",
        "audit/secret_tokens",
        "audit/tally",
    )
]
SDK_INTERNALS = {
    "mcp.server.runner",
    "mcp.server.connection",
    "mcp.shared.dispatcher",
    "mcp.shared.jsonrpc_dispatcher",
    "mcp.shared.inbound",
    "mcp.shared.transport_context",
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it; of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} has a relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_there_is_source_to_look_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(APPS)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_imports_run_one_way(path: Path) -> None:
    forbidden = {*APPS, "tests"} - MAY_IMPORT[path.relative_to(ROOT).parts[0]]
    assert [module for module in imported(path) if within(module, forbidden)] == []


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_only_the_kernel_touches_the_sdk_s_internals(path: Path) -> None:
    if name(path) == "tools_app/protocol/kernel.py":
        assert {module for module in imported(path) if module in SDK_INTERNALS} == SDK_INTERNALS
    else:
        assert [module for module in imported(path) if within(module, SDK_INTERNALS)] == []


@pytest.mark.parametrize("path", PURE)
def test_what_is_pure_knows_neither_django_nor_http_nor_mcp(path: str) -> None:
    known = {"authz_app." + pure.removeprefix("authz_app/").removesuffix(".py").replace("/", ".") for pure in PURE}
    ours = {module for module in imported(ROOT / path) if within(module, {"authz_app"})}
    assert all(within(module, known) for module in ours)
    assert [
        module for module in imported(ROOT / path) if within(module, {"django", "mcp", "channels", "requests"})
    ] == []


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name == "__init__.py"], ids=name)
def test_package_files_are_empty(path: Path) -> None:
    assert path.read_text() == ""


BROAD = {"Exception", "BaseException"}


def broad_handlers(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            caught = {one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)} if node.type else BROAD
            if caught & BROAD:
                yield node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_broad_except_gives_its_reason(path: Path) -> None:
    lines = path.read_text().splitlines()
    bare = [n for n in broad_handlers(path) if not re.search(r"# noqa: BLE001  \(\w.+\)$", lines[n - 1])]
    assert bare == [], "write `# noqa: BLE001  (reason)`, or catch less"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_modules_say_what_they_are_for(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not tree.body or "migrations" in path.parts or ast.get_docstring(tree)


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_migrations_are_named_for_what_they_do() -> None:
    named = [path.stem for path in SOURCES if path.parent.name == "migrations" and path.name != "__init__.py"]
    assert named
    assert [one for one in named if re.search(r"_auto_|_initial$", one)] == []
