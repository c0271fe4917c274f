"""Reads what a caller asks for: a call of a tool, a read of a resource, a use of a prompt, a completion, a session."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from authz_app.policy.decision import Target
from authz_app.policy.policy import Policy
from authz_app.policy.rule import Kind
from tools_app.conf import conf
from tools_app.definitions.completion import completing_nothing
from tools_app.definitions.definitions import Runnable
from tools_app.registry import registered, registered_prompts, registered_tools, resource_at, resource_with
from tools_app.wire import jsonrpc

RecordKind = Literal["tool", "resource", "prompt", "completion", "session"]


class AccessRequest(NamedTuple):
    """What a caller asks for, before it is decided: one thing that is recorded and run.

    Rules know it by ``kind`` and ``name``, records by ``record_kind``. ``runs`` is the function, or None where nothing
    is registered; ``name`` is then the name or the URI that the caller sent. ``arguments`` are for the function, and
    ``recorded`` is what the record and the rules have in their place. ``uri`` is that of a resource, as it was sent.
    ``ignored`` are the names of further arguments, which neither the function nor the rules get.
    """

    record_kind: RecordKind
    kind: Kind
    name: str
    runs: Runnable | None
    arguments: dict[str, Any]
    recorded: dict[str, Any]
    uri: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def decided(self) -> Mapping[str, Any] | None:
        """The arguments that rules are evaluated on. A completion has none: who may see a thing may complete it."""
        if self.record_kind == "resource":
            return {"uri": self.recorded["uri"]}
        return None if self.record_kind == "completion" else self.recorded

    def target(self, policy: Policy) -> Target:
        return target_of(self.kind, self.name, self.runs is not None, policy)

    def time_limit(self, default: float) -> float:
        """The seconds that it may take: its own limit, or else the site's ``default``."""
        limit = None if self.runs is None else self.runs.time_limit
        return default if limit is None else limit


SESSION = AccessRequest("session", "tool", "", None, {}, {})


def tool_call(name: str, arguments: dict[str, Any]) -> AccessRequest:
    tool = registered_tools().get(name)
    if tool is None:
        return AccessRequest("tool", "tool", name, None, arguments, arguments)
    ignored = tool.ignored(arguments, conf().ignored_arguments)
    kept = {key: value for key, value in arguments.items() if key not in ignored} if ignored else arguments
    read = tool.read(kept)
    return AccessRequest("tool", "tool", name, tool, read, read, ignored=ignored)


def resource_read(uri: str) -> AccessRequest:
    found = resource_at(uri)
    if found is None:
        return AccessRequest("resource", "resource", uri, None, {}, {"uri": uri}, uri)
    resource, variables = found
    return AccessRequest(
        "resource", "resource", resource.name, resource, variables, {"uri": resource.uri_with(variables, uri)}, uri
    )


def prompt_use(name: str, arguments: dict[str, Any]) -> AccessRequest:
    return AccessRequest("prompt", "prompt", name, registered_prompts().get(name), arguments, arguments)


def prompt_completion(name: str, argument: str, value: str, others: Mapping[str, str]) -> AccessRequest:
    prompt = registered_prompts().get(name)
    runs = prompt and (prompt.completers.get(argument) or completing_nothing(name))
    return AccessRequest("completion", "prompt", name, runs, *_completing(argument, value, others))


def resource_completion(uri: str, argument: str, value: str, others: Mapping[str, str]) -> AccessRequest:
    """A completion of a variable in the URI of a resource; ``uri`` is the resource's URI or its template."""
    resource = resource_with(uri)
    if resource is None:
        return AccessRequest("completion", "resource", uri, None, *_completing(argument, value, others, uri=uri), uri)
    runs = resource.completers.get(argument) or completing_nothing(resource.name)
    completing = _completing(argument, value, others, uri=uri)
    return AccessRequest("completion", "resource", resource.name, runs, *completing, uri)


def _completing(
    argument: str, value: str, others: Mapping[str, str], **what: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    recorded = {**what, "argument": {"name": argument, "value": value}}
    return {"value": value, "others": dict(others)}, {**recorded, "arguments": dict(others)} if others else recorded


def target_of(kind: Kind, name: str, exists: bool, policy: Policy) -> Target:
    """What a decision needs to know of the tool, resource or prompt of this name."""
    found, enabled = registered(kind).get(name), (kind, name) not in policy.switched_off
    if found is None:
        return Target(kind, name, exists, enabled)
    return Target(kind, name, exists, enabled, found.annotations, found.shape)


def access_request_of(message: jsonrpc.Message | None) -> AccessRequest:
    """Read what a message asks for, whatever a stranger wrote into it. ``SESSION`` where nothing is decided."""
    if isinstance(message, jsonrpc.Request) and message.method in _READERS:
        return _READERS[message.method](message.params or {})
    return SESSION


def _read_tool_call(params: Mapping[str, Any]) -> AccessRequest:
    return tool_call(_text(params, "name"), _mapping(params, "arguments"))


def _read_resource_read(params: Mapping[str, Any]) -> AccessRequest:
    return resource_read(_text(params, "uri"))


def _read_prompt_use(params: Mapping[str, Any]) -> AccessRequest:
    return prompt_use(_text(params, "name"), _mapping(params, "arguments"))


def _read_completion(params: Mapping[str, Any]) -> AccessRequest:
    ref, argument = _mapping(params, "ref"), _mapping(params, "argument")
    name, value = _text(argument, "name"), _text(argument, "value")
    if ref.get("type") == "ref/prompt":
        return prompt_completion(_text(ref, "name"), name, value, {})
    return resource_completion(_text(ref, "uri"), name, value, {})


_READERS: dict[str, Callable[[Mapping[str, Any]], AccessRequest]] = {
    "tools/call": _read_tool_call,
    "resources/read": _read_resource_read,
    "resources/subscribe": _read_resource_read,
    "prompts/get": _read_prompt_use,
    "completion/complete": _read_completion,
}
# The policy decides each request of these methods, and a record is written of each.
DECIDED_METHODS = frozenset(_READERS)


def _text(params: Mapping[str, Any], key: str) -> str:
    value = params.get(key)
    return value if isinstance(value, str) else ""


def _mapping(params: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = params.get(key)
    return value if isinstance(value, dict) else {}
