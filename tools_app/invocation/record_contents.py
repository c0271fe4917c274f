"""What the record of a call holds of its arguments, its result and its error: as much as was chosen, and no secrets."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from authz_app.audit.entries import Outcome
from authz_app.policy.policy import Policy
from authz_app.redaction.audit_level import BY_DEFAULT, OF_PROMPT, OF_RESOURCE, SUBSCRIBED, Level, Path, Recording
from authz_app.redaction.redact import REDACTED, recorded_json, redact_text
from tools_app.definitions.definitions import ResourceDefinition
from tools_app.invocation.access_request import Asked
from tools_app.invocation.masking import hidden_among
from tools_app.registry import registered

_MAX_ERROR = 500
_MAX_NAME = 128
_STANDS_FOR = "0redacted0"


def recording_of(asked: Asked, policy: Policy) -> Recording:
    """How much is recorded of what is asked for: as its author says, or as an administrator chose."""
    found = registered(asked.kind).get(asked.name)
    authors = found.recording if found is not None else _of_unknown(asked)
    choice = policy.recording.get((asked.kind, asked.name)) if policy.recording else None
    return authors if choice is None else choice.over(authors)


def _of_unknown(asked: Asked) -> Recording:
    """What is recorded of what does not exist. What was meant may be what is almost called so: then as little as there.

    A URI that no template takes may hold what the variables of another one of its scheme do.
    """
    meant = [one.recording for name, one in registered(asked.kind).items() if _is_meant(asked, name, one)]
    return next((one for one in meant if one.level is Level.METADATA or one.paths), BY_DEFAULT)


def _is_meant(asked: Asked, name: str, one: Any) -> bool:
    if isinstance(one, ResourceDefinition):
        return _scheme(one.uri) == _scheme(asked.name)
    return _folded(name) == _folded(asked.name)


def _scheme(uri: str) -> str:
    return uri.partition(":")[0].casefold()


def _folded(name: str) -> str:
    return "".join(character for character in name[:_MAX_NAME].casefold() if character.isalnum())


def recorded_name(asked: Asked, recording: Recording) -> str:
    """The name of what is asked for; where there is no such thing, what it was asked for by."""
    if asked.runs is not None:
        return asked.name
    if asked.kind == "resource" and (recording.level is Level.METADATA or recording.paths):
        return f"{redact_text(_scheme(asked.name), _MAX_NAME)[:32]}:{REDACTED}"
    return redact_text(asked.name, _MAX_NAME)[:_MAX_NAME]


def recorded_arguments(asked: Asked, recording: Recording) -> str:
    """The arguments as JSON; empty, or what was asked for at all, where they are not recorded."""
    if recording.level is Level.METADATA:
        return _without_arguments(asked)
    if not recording.paths:
        return recorded_json(asked.recorded)
    if asked.kind == "resource" and asked.runs is None:
        return recorded_json({**asked.recorded, "uri": recorded_name(asked, recording)})
    arguments, paths = asked.recorded, recording.paths
    if asked.kind == "resource":
        arguments = {**arguments, "uri": _uri(asked, paths)}
    if asked.record_kind == "completion":
        paths = (*paths, *_of_completion(asked, paths))
    return recorded_json(arguments, paths)


def _without_arguments(asked: Asked) -> str:
    if asked.record_kind == "completion":
        return OF_RESOURCE if asked.kind == "resource" else OF_PROMPT
    return SUBSCRIBED if asked.recorded.get("subscribe") is True and asked.kind == "resource" else ""


def _of_completion(asked: Asked, paths: Sequence[Path]) -> Iterator[Path]:
    """The same paths, among what is typed so far."""
    yield from (("arguments", *path) for path in paths)
    if _leads_to(asked.recorded["argument"]["name"], paths):
        yield "argument", "value"


def _leads_to(name: str, paths: Sequence[Path]) -> bool:
    return any(path in ((name,), ("*",)) for path in paths)


def _uri(asked: Asked, paths: Sequence[Path]) -> str:
    """The URI without the variables to which a path leads."""
    resource, uri = registered("resource")[asked.name], str(asked.recorded["uri"])
    if not isinstance(resource, ResourceDefinition) or resource.template is None:
        return uri
    hidden = [name for name in resource.template.variable_names if _leads_to(name, paths)]
    if not hidden:
        return uri
    with suppress(Exception):  # Whatever a template makes of it: where it cannot be said, nothing is.
        variables = {**(resource.template.match(asked.uri) or {}), **dict.fromkeys(hidden, _STANDS_FOR)}
        return resource.template.expand(variables).replace(_STANDS_FOR, REDACTED)
    return REDACTED


def recorded_result(wire: Mapping[str, Any], asked: Asked, recording: Recording) -> str:
    """The result as JSON. What was hidden among the arguments is hidden here, too."""
    paths = tuple(path for root in _ROOTS for path in ((*root, *path) for path in recording.paths))
    return recorded_json(_without_blobs(wire), paths, hidden_among(asked, recording))


# Where a result has what paths speak of: MCP's structured content, and JSON in the texts of contents and messages.
_ROOTS: tuple[Path, ...] = (
    ("structuredContent",),
    ("structuredContent", "result"),
    ("content", "*", "text"),
    ("content", "*", "resource", "text"),
    ("contents", "*", "text"),
    ("messages", "*", "content", "text"),
    ("messages", "*", "content", "resource", "text"),
)


def _without_blobs(value: Any) -> Any:
    """The same without images, sounds and files, of which nobody can tell what is in them."""
    if isinstance(value, list):
        return [_without_blobs(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: f"... ({len(item)} characters)"
        if isinstance(item, str) and (name == "blob" or (name == "data" and "mimeType" in value))
        else _without_blobs(item)
        if name in _HAVE_BLOBS
        else item
        for name, item in value.items()
    }


_HAVE_BLOBS = frozenset({"content", "contents", "messages", "resource"})


def recorded_error(error: str, outcome: Outcome, asked: Asked, recording: Recording) -> str:
    """The error in words. What the tool says of one can repeat what is not to be recorded."""
    if not error or (recording.level is Level.METADATA and outcome is Outcome.TOOL_ERROR):
        return ""
    return redact_text(error, _MAX_ERROR, hidden_among(asked, recording))[:_MAX_ERROR]
