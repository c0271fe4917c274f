"""How the source hangs together: which packages there are, who imports whom and through which doors.

Each rule is one test that lists what breaks it. ``LAYERS``, ``DOORS`` and ``SDK`` are the whole of it: whoever adds a
package or opens a door writes it there.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
APPS = ("authz_app", "tools_app", "mcpsite")

# From the lowest to the highest. A package imports those of a lower layer alone; modules at an app's root that are no
# package stand here by their names. `authz_app` lies below `tools_app`, and `mcpsite` above both.
LAYERS = {
    "authz_app": (
        ("issuer_presets", "json_text"),
        ("web_address",),
        ("issuers", "origins"),
        ("conf",),
        ("core", "redaction"),
        ("policy",),
        ("tokens", "models"),
        ("policy_store", "record_search"),
        ("triggers", "history", "audit"),
        ("evidence", "explain", "web"),
        ("export", "embedded_issuer"),
        ("pages",),
        ("admin", "checks", "setting_checks", "views", "templatetags", "management"),
        ("apps",),
    ),
    "tools_app": (
        ("conf", "errors", "models"),
        ("wire",),
        ("sessions", "client_requests", "mcp_client"),
        ("cluster", "call"),
        ("definitions",),
        ("registry",),
        ("catalogue",),
        ("invocation",),
        ("streams", "explain"),
        ("protocol", "worker"),
        ("resources", "transports", "serving", "weather"),
        ("mcp_tools",),
        ("pages",),
        ("admin", "management"),
        ("apps",),
    ),
}
# What stands at the top passes every door.
ABOVE_DOORS = {"admin", "apps", "checks", "setting_checks", "views", "templatetags", "management"}
# The same inside the admin's pages.
PAGES = (
    ("shared",),
    ("rules", "history", "start"),
    ("refusals",),
    ("records",),
    ("events", "seals", "clients", "people"),
    ("urls",),
)

# The modules of each package that others may import. A package without an entry is open to nobody.
DOORS = {
    "authz_app.audit": {"entries", "events", "refused_requests", "writer"},
    "authz_app.core": {
        "actor",
        "addresses",
        "asgi",
        "cors",
        "database_errors",
        "failure_log",
        "ids",
        "outbound",
        "private_files",
        "salvaged_json",
        "sqlite_file",
        "storable_text",
        "strict_json",
    },
    "authz_app.embedded_issuer": {"client_id_metadata", "disabling", "registration", "subjects"},
    "authz_app.evidence": {
        "canonical",
        "checkpoint",
        "health",
        "keys",
        "listed_keys",
        "record_proof",
        "seal_checks",
        "sealer",
    },
    "authz_app.explain": {"explanation", "simulated_principal", "unknown_values", "wording"},
    "authz_app.export": {"event_search", "events", "exporting", "files", "line_writer", "selection"},
    "authz_app.history": {"changes", "past"},
    "authz_app.models": {""},
    "authz_app.pages": {
        "records.reveals",
        "shared.bulk",
        "shared.ids",
        "shared.policy_history",
        "shared.read_only",
        "shared.words",
    },
    "authz_app.policy": {
        "compilation",
        "condition_syntax",
        "conditions",
        "decision",
        "globs",
        "limits",
        "partial_evaluation",
        "policy",
        "principal",
        "rule",
        "sentence",
    },
    "authz_app.policy_store": {
        "client_deletion",
        "emergency_stop",
        "loading",
        "policy_table",
        "store",
        "tables",
        "tool_port",
    },
    "authz_app.record_search": {"filters", "paging", "parser", "qualifiers", "search"},
    "authz_app.redaction": {"audit_level", "log_lines", "redact", "secret_names"},
    "authz_app.tokens": {"access_token", "claim_limits", "claims", "errors", "middleware", "signing_key", "verifier"},
    "authz_app.triggers": {"install"},
    "authz_app.web": {"client_address", "page", "unavailable"},
    "tools_app.client_requests": {"multi_round_trip", "questions", "replies"},
    "tools_app.cluster": {"outbox", "presence", "workers"},
    "tools_app.definitions": {"build", "completion", "definitions", "refusal"},
    "tools_app.explain": {"as_json", "explain"},
    "tools_app.invocation": {
        "access_request",
        "caller",
        "denials",
        "dependencies",
        "invoke",
        "listing",
        "refusals",
        "threads",
    },
    "tools_app.protocol": {"exchange", "kernel", "server", "versions"},
    "tools_app.sessions": {"memory", "redis", "session"},
    "tools_app.streams": {"event_stream", "notifications", "open_streams", "resource_updates", "watch"},
    "tools_app.wire": {"jsonrpc", "meta"},
    "tools_app.worker": {"process", "worker"},
}

# Which modules of the SDK each package imports, beside its types (`mcp_types`). Two of them may touch its internals.
SDK = {
    "authz_app": set[str](),
    "tools_app.call": {"mcp.server.elicitation"},
    "tools_app.client_requests": {"mcp.server.request_state", "mcp.shared.exceptions"},
    "tools_app.definitions": {
        "mcp.server.mcpserver.prompts.base",
        "mcp.server.mcpserver.utilities.func_metadata",
        "mcp.server.mcpserver.utilities.types",
        "mcp.shared.path_security",
        "mcp.shared.uri_template",
    },
    "tools_app.invocation": {"mcp.shared.exceptions"},
    "tools_app.mcp_client": {
        "mcp.client",
        "mcp.client.auth",
        "mcp.client.auth.oauth2",
        "mcp.client.sse",
        "mcp.client.streamable_http",
        "mcp.shared.auth",
        "mcp.shared.auth_utils",
        "mcp.shared.exceptions",
    },
    "tools_app.protocol": {
        "mcp.server.caching",
        "mcp.server.connection",
        "mcp.server.context",
        "mcp.server.lowlevel",
        "mcp.server.runner",
        "mcp.shared.dispatcher",
        "mcp.shared.exceptions",
        "mcp.shared.inbound",
        "mcp.shared.jsonrpc_dispatcher",
        "mcp.shared.subscriptions",
        "mcp.shared.transport_context",
    },
    "tools_app.streams": {"mcp.shared.subscriptions"},
    "tools_app.transports.streamable": {"mcp.server.streamable_http_manager", "mcp.shared.exceptions"},
}
SDK_INTERNAL = re.compile(r"\.(_\w+|runner|connection|streamable_http_manager)(\.|$)")
MAY_TOUCH_INTERNALS = {"tools_app.protocol", "tools_app.transports.streamable"}


@dataclass(frozen=True)
class Module:
    """A source file: its dotted name, and the dotted names of what it imports, inside functions too."""

    name: str
    path: Path
    tree: ast.Module
    imports: frozenset[str]


@cache
def modules() -> dict[str, Module]:
    paths = {dotted(path): path for app in APPS for path in sorted((ROOT / app).rglob("*.py"))}
    read = {}
    for name, path in paths.items():
        tree = ast.parse(path.read_text())
        read[name] = Module(name, path, tree, frozenset(imported(tree, paths.keys())))
    return read


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.Module, ours: "set[str] | object") -> Iterator[str]:
    """What a file imports; `from package import module` is the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                yield whole if whole in ours else source  # type: ignore[operator]


def sources() -> Iterator[Module]:
    """The product's modules that are written by hand."""
    return (module for module in modules().values() if "migrations" not in module.path.parts)


def room(name: str) -> str:
    """The package, or the module at its app's root, that a module belongs to: `policy` for `authz_app.policy.rule`."""
    return name.split(".")[1] if "." in name else ""


def package(name: str) -> str:
    return ".".join(name.split(".")[:2])


def floors(layers: tuple[tuple[str, ...], ...]) -> dict[str, int]:
    return {name: floor for floor, names in enumerate(layers) for name in names}


def between_packages(app: str) -> Iterator[tuple[Module, str]]:
    """Each import from one package of an app to another of the same app."""
    for module in sources():
        if module.name.startswith(f"{app}."):
            yield from (
                (module, target)
                for target in module.imports
                if target.startswith(f"{app}.") and package(target) != package(module.name)
            )


def test_each_app_has_the_packages_and_modules_of_the_table_and_no_others() -> None:
    for app, layers in LAYERS.items():
        found = {room(module.name) for module in sources() if module.name.startswith(f"{app}.")}
        assert found == set(floors(layers)), app


def test_imports_run_from_higher_layers_to_lower_ones() -> None:
    offenders = []
    for app, layers in LAYERS.items():
        floor = floors(layers)
        offenders += [
            f"{module.name} -> {target}"
            for module, target in between_packages(app)
            if floor[room(target)] >= floor[room(module.name)]
        ]
    assert offenders == []


def test_pages_of_the_admin_import_those_below_them() -> None:
    def page(name: str) -> str:
        return name.split(".")[2]

    floor, prefix = floors(PAGES), "authz_app.pages."
    offenders = [
        f"{module.name} -> {target}"
        for module in sources()
        for target in module.imports
        if module.name.startswith(prefix) and target.startswith(prefix) and page(module.name) != page(target)
        if floor[page(target)] >= floor[page(module.name)]
    ]
    assert offenders == []


def test_apps_import_those_below_them() -> None:
    forbidden = {
        "authz_app": ("tools_app", "mcpsite", "tests"),
        "tools_app": ("mcpsite", "tests"),
        "mcpsite": ("tests",),
    }
    offenders = [
        f"{module.name} -> {target}"
        for module in modules().values()
        for target in module.imports
        if target.split(".")[0] in forbidden[module.name.split(".")[0]]
    ]
    assert offenders == []


def test_imports_are_absolute() -> None:
    assert [module.name for module in modules().values() if any(name.startswith(".") for name in module.imports)] == []


def test_packages_are_entered_by_their_doors() -> None:
    offenders = []
    for module in sources():
        if room(module.name) in ABOVE_DOORS or module.name.startswith("mcpsite"):
            continue
        for target in module.imports:
            entered = package(target)
            if target not in modules() or entered == package(module.name) or _is_no_package(entered):
                continue
            if target.removeprefix(entered).removeprefix(".") not in DOORS.get(entered, set()):
                offenders.append(f"{module.name} -> {target}")
    assert offenders == []


def _is_no_package(name: str) -> bool:
    return name in modules() and modules()[name].path.name != "__init__.py"


def test_each_door_is_used() -> None:
    entered = {
        target
        for module in sources()
        for target in module.imports
        if package(target) != package(module.name) and room(module.name) not in ABOVE_DOORS
    }
    doors = {f"{name}.{door}" if door else name for name, names in DOORS.items() for door in names}
    assert doors - entered == set()


@pytest.mark.parametrize(("name", "knows"), [("redaction", {"redaction"}), ("policy", {"policy", "redaction"})])
def test_what_is_pure_knows_neither_django_nor_http_nor_mcp(name: str, knows: set[str]) -> None:
    foreign = ("django", "mcp", "mcp_types", "channels", "requests", "redis")
    offenders = [
        f"{module.name} -> {target}"
        for module in sources()
        if module.name.startswith(f"authz_app.{name}.")
        for target in module.imports
        if target.split(".")[0] in foreign
        or (target.startswith("authz_app") and room(target) not in {*knows, "json_text"})
    ]
    assert offenders == []


def test_the_sdk_is_imported_by_those_who_need_it() -> None:
    offenders = [
        f"{module.name} -> {target}"
        for module in sources()
        for target in module.imports
        if target.split(".")[0] == "mcp" and target not in SDK.get(_sdk_user(module.name), set())
    ]
    assert offenders == []


def _sdk_user(name: str) -> str:
    return next((user for user in SDK if name == user or name.startswith(f"{user}.")), name)


def test_the_sdk_s_internals_are_known_in_two_places() -> None:
    offenders = [
        f"{module.name} -> {target}"
        for module in sources()
        if not module.name.startswith(tuple(MAY_TOUCH_INTERNALS))
        for node in ast.walk(module.tree)
        for target in _from_sdk(node)
        if SDK_INTERNAL.search(target)
    ]
    assert offenders == []


def _from_sdk(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {"mcp", "mcp_types"}:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] in {"mcp", "mcp_types"})


def test_package_files_are_empty_but_for_the_face_of_the_models() -> None:
    files = [module for module in modules().values() if module.path.name == "__init__.py" and module.tree.body]
    assert [module.name for module in files] == ["authz_app.models"]


# What stands in a row and as a frozen value is one thing in two forms.
IN_TWO_FORMS = {"Client", "Rule"}


def test_a_name_of_a_class_means_one_thing() -> None:
    defined: dict[str, list[str]] = {}
    for module in sources():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and node.name != "Command":
                defined.setdefault(node.name.removeprefix("_"), []).append(module.name)
    twice = {name: where for name, where in defined.items() if len(where) > 1}
    assert {name: where for name, where in twice.items() if name not in IN_TWO_FORMS} == {}
    assert set(twice) >= IN_TWO_FORMS


BROAD = {"Exception", "BaseException"}


def broad_handlers(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = {one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)} if node.type else BROAD
            if caught & BROAD:
                yield node.lineno


def test_a_broad_except_gives_its_reason() -> None:
    offenders = []
    for module in modules().values():
        lines = module.path.read_text().splitlines()
        offenders += [
            f"{module.name}:{number}"
            for number in broad_handlers(module.tree)
            if not re.search(r"# noqa: BLE001  \(\w.+\)$", lines[number - 1])
        ]
    assert offenders == [], "write `# noqa: BLE001  (reason)`, or catch less"


def test_modules_say_what_they_are_for() -> None:
    assert [module.name for module in sources() if module.tree.body and not ast.get_docstring(module.tree)] == []


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_migrations_are_named_for_what_they_do() -> None:
    named = [module.path.stem for module in modules().values() if module.path.parent.name == "migrations"]
    assert len(named) > 2
    assert [one for one in named if re.search(r"_auto_|_initial$", one)] == []
