"""What the conformance suite wants to find on a server, under the names that it knows."""

import asyncio
import json
from base64 import b64decode
from typing import Annotated, Any

from mcp_types import (
    AudioContent,
    CreateMessageResult,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, Field

from tools_app.call import Call
from tools_app.client_requests.questions import Question
from tools_app.errors import ToolFailure
from tools_app.models import Tool
from tools_app.registry import prompt, resource, tool

_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
_WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
_PAUSE = 0.05
_IMAGE = ImageContent(type="image", data=_PNG, mime_type="image/png")


@tool
def test_simple_text() -> str:
    """Return a text."""
    return "This is a simple text response for testing."


@tool
def test_image_content() -> list[ImageContent]:
    """Return an image."""
    return [_IMAGE]


@tool
def test_audio_content() -> list[AudioContent]:
    """Return a sound."""
    return [AudioContent(type="audio", data=_WAV, mime_type="audio/wav")]


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


@tool
def test_embedded_resource() -> list[EmbeddedResource]:
    """Return a resource."""
    return [_embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]


@tool
def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Return a text, an image and a resource."""
    return [
        TextContent(type="text", text="Multiple content types test:"),
        _IMAGE,
        _embedded("test://mixed-content-resource", "application/json", '{"test": "data", "value": 123}'),
    ]


@tool
async def test_tool_with_logging(call: Call) -> str:
    """Send log messages."""
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        call.log(message)
        await asyncio.sleep(_PAUSE)
    return "Tool with logging executed successfully"


@tool
async def test_logging_tool(call: Call) -> str:
    """Send a log message, whether or not anybody wants it."""
    call.log("Nobody may have asked for this.")
    await asyncio.sleep(_PAUSE)
    return "logged"


@tool
async def test_tool_with_progress(call: Call) -> str:
    """Report progress."""
    for step in (0, 50, 100):
        call.progress(step, 100, f"Completed step {step} of 100")
        await asyncio.sleep(_PAUSE)
    return "done"


@tool
def test_error_handling() -> str:
    """Fail."""
    raise ToolFailure("This tool intentionally returns an error for testing")


@tool
def test_x_mcp_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "<none>",
) -> str:
    """Take an argument that clients repeat in a header (2026-07-28, SEP-2243)."""
    return f"region={region}"


class UserResponse(BaseModel):
    """What ``test_elicitation`` asks for."""

    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


@tool
async def test_elicitation(message: str, call: Call) -> str:
    """Ask the person what the caller wants to know."""
    return _told(await call.aelicit(message, UserResponse))


class WithDefaults(BaseModel):
    """A question with a default for each type (SEP-1034)."""

    name: str = Field(default="John Doe", description="User name")
    age: int = Field(default=30, description="User age")
    score: float = Field(default=95.5, description="User score")
    status: str = Field(default="active", json_schema_extra={"enum": ["active", "inactive", "pending"]})
    verified: bool = Field(default=True, description="Verification status")


@tool
async def test_elicitation_sep1034_defaults(call: Call) -> str:
    """Ask with defaults."""
    return _told(await call.aelicit("Please provide user information", WithDefaults))


def _titled(**titles: str) -> list[dict[str, str]]:
    return [{"const": value, "title": title} for value, title in titles.items()]


class Choices(BaseModel):
    """A question with each kind of choice (SEP-1330)."""

    untitledSingle: str = Field(json_schema_extra={"enum": ["active", "inactive", "pending"]})
    titledSingle: str = Field(json_schema_extra={"oneOf": [*_titled(low="Low", medium="Medium", high="High")]})
    untitledMulti: list[str] = Field(
        json_schema_extra={"items": {"type": "string", "enum": ["read", "write", "execute"]}}
    )
    titledMulti: list[str] = Field(
        json_schema_extra={"items": {"anyOf": [*_titled(feature="New Feature", bug="Bug Fix", docs="Documentation")]}}
    )
    legacyEnum: str = Field(
        json_schema_extra={"enum": ["small", "medium", "large"], "enumNames": ["Small", "Medium", "Large"]}
    )


@tool
async def test_elicitation_sep1330_enums(call: Call) -> str:
    """Ask for choices."""
    return _told(await call.aelicit("Please select values using different enum schema types", Choices))


def _said(answer: CreateMessageResult) -> str:
    return answer.content.text if isinstance(answer.content, TextContent) else "?"


def _told(answer: BaseModel | None) -> str:
    return "Declined." if answer is None else f"User response: {answer.model_dump_json()}"


class Name(BaseModel):
    """What most of the tools for questions ask for (2026-07-28, SEP-2322)."""

    name: str


class Color(BaseModel):
    """A second question."""

    color: str


class Confirmation(BaseModel):
    """A question that is answered by yes or no."""

    ok: bool


@tool
async def test_input_required_result_elicitation(call: Call) -> str:
    """Ask the person one question."""
    return f"Hello, {_told(await call.aelicit('What is your name?', Name, name='user_name'))}!"


@tool
async def test_streaming_elicitation(call: Call) -> str:
    """Ask the person one question, on a response that could be a stream."""
    call.progress(0, 1)
    return _told(await call.aelicit("What is your name?", Name))


@tool
async def test_input_required_result_sampling(call: Call) -> str:
    """Ask the client's model one question."""
    return f"Model said: {_said(await call.asample('What is the capital of France?', max_tokens=100))}"


@tool
async def test_sampling(prompt: str, call: Call) -> str:
    """Ask the client's model what the caller wants to know."""
    return f"LLM response: {_said(await call.asample(prompt, max_tokens=100))}"


@tool
async def test_missing_capability(call: Call) -> str:
    """Need a client that can sample."""
    return f"Model said: {_said(await call.asample('Say hello', max_tokens=50))}"


@tool
async def test_input_required_result_list_roots(call: Call) -> str:
    """Ask for the client's roots."""
    return f"Client exposed {len(await _roots(call))} root(s)."


async def _roots(call: Call) -> list[Any]:
    """Deprecated in 2026-07-28 (SEP-2577), so a tool of this site asks for them by hand if it has to."""
    return list((await call._channel.ask(Question("roots/list", {}, "roots"))).get("roots", []))


@tool
async def test_input_required_result_request_state(call: Call) -> str:
    """Ask, and know the answer to be one to this question."""
    await call.aelicit("Please confirm", Confirmation)
    return "state-ok: confirmation received"


@tool
async def test_input_required_result_tampered_state(call: Call) -> str:
    """Ask, and be answered with what was altered on the way."""
    await call.aelicit("Please confirm", Confirmation)
    return "state-ok: it was not altered"


@tool
async def test_input_required_result_multiple_inputs(call: Call) -> str:
    """Ask the person, the model and the client at the same time."""
    await asyncio.gather(
        call.aelicit("What is your name?", Name), call.asample("Generate a greeting", max_tokens=50), _roots(call)
    )
    return "All inputs received."


@tool
async def test_input_required_result_multi_round(call: Call) -> str:
    """Ask twice, one after the other."""
    name = await call.aelicit("Step 1: What is your name?", Name)
    color = await call.aelicit("Step 2: What is your favorite color?", Color)
    return f"{_told(name)} likes {_told(color)}."


@tool
async def test_input_required_result_capabilities(call: Call) -> str:
    """Ask in a way that the client can answer."""
    return f"Model said: {_said(await call.asample('Say hello', max_tokens=50))}"


@tool
def test_dynamic_tool() -> str:
    """Come and go."""
    return "dynamic"


@prompt
def test_dynamic_prompt() -> str:
    """Come and go."""
    return "dynamic"


@tool
def test_trigger_tool_change() -> str:
    """Switch a tool on or off, as an administrator would."""
    return _switch(kind="tool", name="test_dynamic_tool")


@tool
def test_trigger_prompt_change() -> str:
    """Switch a prompt on or off, as an administrator would."""
    return _switch(kind="prompt", name="test_dynamic_prompt")


def _switch(kind: str, name: str) -> str:
    changing = Tool.objects.get(kind=kind, name=name)
    Tool.objects.filter(pk=changing.pk).update(enabled=not changing.enabled)
    return f"{kind} list changed"


@resource("test://static-text", mime_type="text/plain")
def test_static_text() -> str:
    """Return a text."""
    return "This is the content of the static text resource."


@resource("test://static-binary", mime_type="image/png")
def test_static_binary() -> bytes:
    """Return an image."""
    return b64decode(_PNG)


@resource("test://template/{id}/data", mime_type="application/json")
def test_template(id: str) -> str:
    """Return what was asked for by number."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


@resource("test://watched-resource", mime_type="text/plain")
def test_watched() -> str:
    """Be watched."""
    return "Watched resource content"


@prompt
def test_simple_prompt() -> str:
    """Take no arguments."""
    return "This is a simple prompt for testing."


@prompt
def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """Take two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


@prompt
def test_prompt_with_embedded_resource(resourceUri: str) -> list[Any]:
    """Show a resource."""
    return [
        _embedded(resourceUri, "text/plain", "Embedded resource content for testing."),
        "Please process the embedded resource above.",
    ]


@prompt
def test_prompt_with_image() -> list[Any]:
    """Show an image."""
    return [_IMAGE, "Please analyze the image above."]


class Context(BaseModel):
    """What ``test_input_required_result_prompt`` asks for."""

    context: str


@prompt
async def test_input_required_result_prompt(call: Call) -> str:
    """Ask the person before there is a prompt."""
    answer = await call.aelicit("What context should the prompt use?", Context)
    return f"Use the following context: {_told(answer)}"
