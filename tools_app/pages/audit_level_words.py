"""What is recorded of the calls of a tool, in words."""

from authz_app.policy_store.loading import known_kind
from authz_app.redaction.audit_level import BY_DEFAULT, Level, Path, Recording, choice_of, written
from tools_app.models import Tool
from tools_app.registry import registered

_LEVELS = {
    Level.METADATA: "who called, what was decided and how it ended; neither arguments nor results, nor what the"
    " {} says of an error",
    Level.ARGUMENTS: "the arguments too, and no results",
    Level.RESULT: "the arguments and the results too",
}
_SHORT = {Level.METADATA: "metadata", Level.ARGUMENTS: "arguments", Level.RESULT: "arguments and result"}


def now_words(tool: Tool) -> str:
    """What records of its next call will hold."""
    recording = choice_of(tool.recorded, tool.redacted).over(_authors(tool) or BY_DEFAULT)
    held = f"Records hold {_LEVELS[recording.level].format(tool.get_kind_display().lower())}."
    if recording.level is Level.METADATA:
        return held
    return f"{held} What has the name or the shape of a secret is taken out{_besides(recording.paths)}."


def _besides(paths: tuple[Path, ...]) -> str:
    return f", and so is {', '.join(map(written, paths))}" if paths else ""


def author_words(tool: Tool) -> str:
    """What the author of its function says of its records."""
    authors = _authors(tool)
    if authors is None:
        return "Not known: no installed app registers it."
    kept_out = f"; never {', '.join(map(written, authors.paths))}" if authors.paths else ""
    return f"Says {_SHORT[authors.level]}{kept_out}."


def _authors(tool: Tool) -> Recording | None:
    kind = known_kind(tool.kind)
    found = registered(kind).get(tool.name) if kind is not None else None
    return None if found is None else found.recording
