"""Renders what MCP clients see of a tool, a resource or a prompt, once, so that no list can fail for one of them."""

from typing import Any, TypeVar

from django.conf import settings
from django.utils import translation
from mcp_types import Prompt, Resource, ResourceTemplate, Tool
from mcp_types.methods import validate_server_result
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from tools_app.definitions.json_values import check_is_json, json_of

Listed = TypeVar("Listed", Tool, Resource, ResourceTemplate, Prompt)
_LISTS = {
    Tool: ("tools/list", "tools"),
    Resource: ("resources/list", "resources"),
    ResourceTemplate: ("resources/templates/list", "resourceTemplates"),
    Prompt: ("prompts/list", "prompts"),
}
_OF_A_LIST = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}


def rendered(of: type[Listed], **fields: Any) -> Listed:
    """What clients see, as plain JSON that is valid in each version of MCP. Lazy texts are in the site's language.

    Raises:
        ValueError: it cannot be such; the message says what is wrong, and where.
    """
    with translation.override(settings.LANGUAGE_CODE):
        plain = json_of(fields)
    check_is_json(plain)
    made = of.model_validate(plain)
    wire = made.model_dump(mode="json", by_alias=True, exclude_none=True)
    method, member = _LISTS[of]
    for version in (*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS):
        validate_server_result(method, version, {**_OF_A_LIST, member: [wire]})
    return made
