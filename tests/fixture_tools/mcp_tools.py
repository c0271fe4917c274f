"""Tools, resources and prompts for tests: one for each way in which a call can go."""

import asyncio
import os
import threading
import time
from collections.abc import Mapping
from typing import Annotated

from mcp_types import PromptMessage, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from tools_app import resources
from tools_app.call import Call
from tools_app.errors import NotFound, ToolFailure
from tools_app.registry import prompt, resource, tool


@tool(annotations=ToolAnnotations(read_only_hint=True))
def echo(text: str) -> str:
    """Return the text."""
    return text


@tool
async def echo_async(text: str) -> str:
    """Return the text, from the event loop."""
    return text


@tool
def mark(text: str) -> str:
    """Append a line to the file named in MARKS: evidence, outside the database, that the tool ran."""
    with open(os.environ["MARKS"], "a", encoding="utf-8") as marks:
        marks.write(f"{text}\n")
    return "marked"


@tool
async def mark_and_nap(text: str, seconds: float) -> str:
    """Leave a mark, as ``mark`` does, and take a while."""
    mark(text)
    await asyncio.sleep(seconds)
    return "marked"


@tool
def fail(text: str) -> str:
    """Fail in a way that the caller should read."""
    raise ToolFailure(text)


@tool
def crash() -> str:
    """Fail in a way that nobody foresaw, with a secret in the message."""
    raise RuntimeError("password=hunter2-in-a-crash")


@tool(time_limit=0.2)
async def slow_async() -> str:
    """Take longer than the time limit."""
    await asyncio.sleep(60)
    return "never"


@tool(time_limit=0.2)
def slow() -> str:
    """Take longer than the time limit, in a thread."""
    time.sleep(1.5)
    return "too late"


@tool
async def wait() -> str:
    """Wait until cancelled, for a minute at most."""
    await asyncio.sleep(60)
    return "nobody cancelled"


@tool
def wait_in_thread(call: Call) -> str:
    """Wait in a thread until cancelled, for a minute at most."""
    pause = threading.Event()
    for _ in range(600):
        if call.cancelled:
            return "cancelled"
        pause.wait(0.1)
    return "nobody cancelled"


@tool
async def count_up(to: int, call: Call, pause: float = 0) -> str:
    """Report progress, and log, for each number, with a pause after each."""
    for number in range(1, to + 1):
        call.progress(number, to, f"at {number}")
        call.log(f"counted {number}", level="info")
        await asyncio.sleep(pause)
    return f"counted to {to}"


@tool
async def chatter(size: int, times: int, call: Call) -> str:
    """Report progress in many words."""
    for number in range(times):
        call.progress(number, times, "x" * size)
    return "said"


class Name(BaseModel):
    """What ``greet`` asks for."""

    name: str


@tool
async def greet(call: Call) -> str:
    """Ask the person for a name."""
    answer = await call.aelicit("What is your name?", Name)
    return "Nobody there." if answer is None else f"Hello {answer.name}!"


@tool
def greet_in_thread(call: Call) -> str:
    """Ask the person for a name, from a thread."""
    answer = call.elicit("What is your name?", Name)
    return "Nobody there." if answer is None else f"Hello {answer.name}!"


@tool
async def interview(questions: list[str], call: Call) -> str:
    """Ask the person one question after the other."""
    answers = [await call.aelicit(question, Name) for question in questions]
    return ", ".join("-" if answer is None else answer.name for answer in answers)


@tool
async def summarize(text: str, call: Call) -> str:
    """Let the caller's model summarize a text."""
    message = await call.asample(f"Summarize: {text}", max_tokens=100, system_prompt="Be brief.")
    return message.content.text if isinstance(message.content, TextContent) else message.content.type


@tool
def summarize_in_thread(text: str, call: Call) -> str:
    """Let the caller's model summarize a text, from a thread."""
    message = call.sample(f"Summarize: {text}", max_tokens=100, system_prompt="Be brief.")
    return message.content.text if isinstance(message.content, TextContent) else message.content.type


@tool
async def greet_late(seconds: float, call: Call) -> str:
    """Log something, and ask the person for a name a while later."""
    call.log("asks in a moment")
    await asyncio.sleep(seconds)
    return await greet(call)


@tool
def whoami(call: Call) -> str:
    """Say who calls, under which record."""
    return f"{call.principal.subject} {call.record_id}"


@tool
def large(size: int) -> str:
    """Return a text of this many characters."""
    return "x" * size


@tool
def regional(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
    """Return the region, which intermediaries see in a header."""
    return region


@tool
def count_clients() -> int:
    """Use the ORM in a thread."""
    from authz_app.models import Client  # noqa: PLC0415  (an app's tools import models at the top; this one is not loaded after them)

    return Client.objects.count()


@tool
def next_number(number: int) -> int:
    """Return the number after this one."""
    return number + 1


@tool
async def nap(seconds: float) -> str:
    """Take a while."""
    await asyncio.sleep(seconds)
    return "rested"


@tool
def touch(uri: str) -> str:
    """Say that a resource has changed."""
    resources.updated(uri)
    return "said"


@resource("notes://welcome", title="Welcome", mime_type="text/markdown")
def welcome() -> str:
    """What to read first."""
    return "# Welcome"


@resource("notes://logo")
async def logo() -> bytes:
    """A picture, more or less."""
    return b"\x89PNG"


@resource("notes://hidden")
def hidden_note() -> str:
    """What nobody may read."""
    return "hidden"


@resource("notes://broken")
def broken_note() -> str:
    """Fail in a way that nobody foresaw, with a secret in the message."""
    raise RuntimeError("password=hunter2-in-a-crash")


def numbers(typed: str, others: Mapping[str, str]) -> list[str]:
    """The numbers of the notes on a topic."""
    count = 250 if others.get("topic") == "taxes" else 2
    return [str(number) for number in range(1, count + 1) if str(number).startswith(typed)]


@resource("notes://{topic}/{number}", complete={"topic": ["travel", "taxes", "time"], "number": numbers})
def note(topic: str, number: int, call: Call) -> dict[str, str | int]:
    """One note of many."""
    if number > 250:
        raise NotFound(f"There is no note {number} on {topic}.")
    return {"topic": topic, "number": number, "for": call.principal.subject}


@resource("files://{+path}")
def file(path: str) -> str:
    """A file by its path."""
    return path


@prompt(title="A poem", complete={"style": ["plain", "solemn", "silly"]})
def poem(topic: Annotated[str, Field(description="What it is about.")], style: str = "plain") -> str:
    """Ask for a poem."""
    return f"Write a {style} poem about {topic}."


@prompt
async def welcome_person(call: Call) -> list[str | PromptMessage]:
    """Ask the person for a name, and use it."""
    answer = await call.aelicit("What is your name?", Name)
    name = "friend" if answer is None else answer.name
    return [f"I am {name}.", PromptMessage(role="assistant", content=TextContent(type="text", text=f"Hello {name}!"))]


@prompt
def hidden_prompt(topic: str) -> str:
    """What nobody may use."""
    return topic
