"""Decides what a record holds of a call's arguments, result and error: as much as was chosen, and no secrets."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from authz_app.audit.entries import Outcome
from authz_app.policy.policy import Policy
from authz_app.redaction.audit_level import (
    DEFAULT_RECORDING,
    OF_PROMPT,
    OF_RESOURCE,
    SUBSCRIBED,
    AuditLevel,
    Path,
    Recording,
)
from authz_app.redaction.redact import REDACTED, recorded_json, redact_text
from tools_app.definitions.definitions import ResourceDefinition
from tools_app.invocation.access_request import AccessRequest
from tools_app.invocation.masking import masked_values
from tools_app.registry import registered

_MAX_ERROR = 500
_MAX_NAME = 128
# Where a record says what else there was, as it does where something was cut.
_BESIDE = "..."
_STANDS_FOR = "0redacted0"


class RecordContents:
    """Tells what the record of one access request holds, at the level and with the paths of ``recording``."""

    def __init__(self, request: AccessRequest, recording: Recording) -> None:
        self.request = request
        self.recording = recording

    @cached_property
    def masked(self) -> re.Pattern[str] | None:
        """A pattern for the values that are taken out of the arguments, wherever they come up again."""
        return masked_values({**self.request.recorded, **self.request.arguments}, self.recording.paths)

    @property
    def name(self) -> str:
        """The name of what is asked for; where there is no such thing, what it was asked for by."""
        request, recording = self.request, self.recording
        if request.runs is not None:
            return request.name
        if request.kind == "resource" and (recording.level is AuditLevel.METADATA or recording.paths):
            return f"{redact_text(_scheme(request.name), _MAX_NAME)[:32]}:{REDACTED}"
        return redact_text(request.name, _MAX_NAME)[:_MAX_NAME]

    @property
    def arguments(self) -> str:
        """The arguments as JSON; empty, or what was asked for at all, where they are not recorded."""
        request, paths = self.request, self.recording.paths
        if self.recording.level is AuditLevel.METADATA:
            return _without_arguments(request)
        if request.ignored or _BESIDE in request.recorded:
            return recorded_json(_with_what_stands_beside(request), paths)
        if not paths:
            return recorded_json(request.recorded)
        if request.kind == "resource" and request.runs is None:
            return recorded_json({**request.recorded, "uri": self.name})
        arguments = (
            {**request.recorded, "uri": _uri(request, paths)} if request.kind == "resource" else request.recorded
        )
        if request.record_kind == "completion":
            paths = (*paths, *_of_completion(request, paths))
        return recorded_json(arguments, paths)

    def result(self, wire: Mapping[str, Any]) -> str:
        """The result as JSON, or nothing where it is not recorded. What is masked in the arguments is masked here."""
        if self.recording.level is not AuditLevel.RESULT:
            return ""
        paths = tuple(path for root in _ROOTS for path in ((*root, *path) for path in self.recording.paths))
        return recorded_json(_without_blobs(wire), paths, self.masked)

    def error(self, text: str, outcome: Outcome) -> str:
        """The error in words. What a tool says of its error can repeat what is not to be recorded."""
        if not text or (self.recording.level is AuditLevel.METADATA and outcome is Outcome.TOOL_ERROR):
            return ""
        return redact_text(text, _MAX_ERROR, self.masked)[:_MAX_ERROR]


def _with_what_stands_beside(request: AccessRequest) -> dict[str, Any]:
    """The arguments, and the names of those that were ignored. One that has the name of that place stands within it."""
    beside: dict[str, Any] = {"ignored": list(request.ignored)} if request.ignored else {}
    if _BESIDE in request.recorded:
        beside["argument"] = request.recorded[_BESIDE]
    return {**request.recorded, _BESIDE: beside}


def contents_of(request: AccessRequest, policy: Policy) -> RecordContents:
    """The contents of its record: as the author of the function says, or as an administrator chose."""
    found = registered(request.kind).get(request.name)
    authors = found.recording if found is not None else _of_unknown(request)
    choice = policy.recording_overrides.get((request.kind, request.name)) if policy.recording_overrides else None
    return RecordContents(request, authors if choice is None else choice.applied_to(authors))


def _of_unknown(request: AccessRequest) -> Recording:
    """How much is recorded of a name that is not registered: no more than of one that it may be a misspelling of.

    A URI that no template takes may hold the same values as the variables of another template of its scheme.
    """
    meant = [one.recording for name, one in registered(request.kind).items() if _is_meant(request, name, one)]
    return next((one for one in meant if one.level is AuditLevel.METADATA or one.paths), DEFAULT_RECORDING)


def _is_meant(request: AccessRequest, name: str, one: Any) -> bool:
    if isinstance(one, ResourceDefinition):
        return _scheme(one.uri) == _scheme(request.name)
    return _folded(name) == _folded(request.name)


def _scheme(uri: str) -> str:
    return uri.partition(":")[0].casefold()


def _folded(name: str) -> str:
    return "".join(character for character in name[:_MAX_NAME].casefold() if character.isalnum())


def _without_arguments(request: AccessRequest) -> str:
    if request.record_kind == "completion":
        return OF_RESOURCE if request.kind == "resource" else OF_PROMPT
    return SUBSCRIBED if request.recorded.get("subscribe") is True and request.kind == "resource" else ""


def _of_completion(request: AccessRequest, paths: Sequence[Path]) -> Iterator[Path]:
    """The same paths, among what is typed so far."""
    yield from (("arguments", *path) for path in paths)
    if _leads_to(request.recorded["argument"]["name"], paths):
        yield "argument", "value"


def _leads_to(name: str, paths: Sequence[Path]) -> bool:
    return any(path in ((name,), ("*",)) for path in paths)


def _uri(request: AccessRequest, paths: Sequence[Path]) -> str:
    """The URI with the variables masked that a path leads to."""
    resource, uri = registered("resource")[request.name], str(request.recorded["uri"])
    if not isinstance(resource, ResourceDefinition) or resource.template is None:
        return uri
    masked = [name for name in resource.template.variable_names if _leads_to(name, paths)]
    if not masked:
        return uri
    with suppress(Exception):  # Whatever a template makes of it: where it cannot be said, nothing is.
        variables = {**(resource.template.match(request.uri) or {}), **dict.fromkeys(masked, _STANDS_FOR)}
        return resource.template.expand(variables).replace(_STANDS_FOR, REDACTED)
    return REDACTED


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
    """A result without its images, sounds and files: nobody can tell what they hold."""
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
