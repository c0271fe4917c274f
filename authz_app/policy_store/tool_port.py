"""Lets another app tell this one of its tools, through one port. Rules name tools by text: this app has none."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from authz_app.policy.rule import Kind
from authz_app.policy_store.policy_table import PolicyTable
from authz_app.redaction.audit_level import RecordingOverride

SwitchedOff = frozenset[tuple[Kind, str]]
RecordingOverrides = Mapping[tuple[Kind, str], RecordingOverride]


@dataclass(frozen=True, slots=True)
class ToolPort:
    """How this app learns of tools, resources and prompts. Each function reads what is so now.

    ``table`` has their rows, by which administrators switch them off. ``switched_off`` and ``names`` are by kind and
    name: ``names`` of all that is registered. ``notices`` are sentences for whoever runs the site, on the start page.
    """

    table: PolicyTable | None = None
    switched_off: Callable[[], SwitchedOff] = frozenset
    recording_overrides: Callable[[], RecordingOverrides] = dict
    names: Callable[[], Iterable[tuple[Kind, str]]] = tuple
    notices: Callable[[], Iterable[str]] = tuple


_connected = ToolPort()


def connect(port: ToolPort) -> None:
    """Set the port. Called once, in ``AppConfig.ready``, before `migrate` can run."""
    global _connected
    _connected = port


def connected() -> ToolPort:
    return _connected


def tool_names(kind: str | None = None) -> list[str]:
    """The names of all that is registered, in order; of one kind, where it is given."""
    return sorted({name for of, name in _connected.names() if kind in (None, of)})
