"""A language model that always does the same: it calls one tool, and says what the tool answered.

Coding agents are told of it by its address. It speaks as much of Anthropic's Messages API and of OpenAI's Responses
API as they need.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = Mapping[str, Any]
_USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}


@dataclass(slots=True)
class Model:
    """Where the model is, the tool that it calls, and what it was offered and told."""

    tool: str
    arguments: Json
    url: str = ""
    offered: set[str] = field(default_factory=set)
    told: str = ""

    def wanted(self, offered: Iterator[str]) -> str | None:
        """The full name of the tool, which agents make of the server's name and the tool's; None: it is not there."""
        names = list(offered)
        self.offered.update(names)
        return next((name for name in names if name == self.tool or name.endswith(f"__{self.tool}")), None)


@contextmanager
def model(tool: str, arguments: Json) -> Iterator[Model]:
    """Serve the model for as long as the context lasts."""
    served = Model(tool, arguments)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

        def do_HEAD(self) -> None:
            self._send(b"", "text/plain")

        def do_GET(self) -> None:
            self._send(b'{"data": [], "models": []}', "application/json")

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = _message if self.path.startswith("/v1/messages") else _response
            self._send(b"".join(map(_event, answer(asked, served))), "text/event-stream")

        def _send(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _event(event: Json) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _message(asked: Json, served: Model) -> Iterator[Json]:
    """The events of Anthropic's Messages API."""
    name = served.wanted(one["name"] for one in asked.get("tools", ()))
    last = asked["messages"][-1]["content"]
    results = [one for one in last if one["type"] == "tool_result"] if isinstance(last, list) else []
    served.told += json.dumps(results) if results else ""
    if results or name is None:
        block: Json = {"type": "text", "text": ""}
        delta, stop = {"type": "text_delta", "text": "Done."}, "end_turn"
    else:
        block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
        delta, stop = {"type": "input_json_delta", "partial_json": json.dumps(served.arguments)}, "tool_use"
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"], "content": []}
    yield {"type": "message_start", "message": {**message, "stop_reason": None, "usage": _USAGE}}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": _USAGE}
    yield {"type": "message_stop"}


def _response(asked: Json, served: Model) -> Iterator[Json]:
    """The events of OpenAI's Responses API. Tools of an MCP server come as a namespace."""
    spaces = {tool["name"]: space for space in asked.get("tools", ()) for tool in space.get("tools", ())}
    name = served.wanted(iter(spaces))
    results = [one["output"] for one in asked["input"] if one.get("type") == "function_call_output"]
    served.told += json.dumps(results) if results else ""
    if results or name is None:
        content = [{"type": "output_text", "text": "Done.", "annotations": []}]
        item = {"type": "message", "id": "msg_1", "role": "assistant", "content": content}
    else:
        item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name}
        item |= {"namespace": spaces[name]["name"], "arguments": json.dumps(served.arguments)}
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": [item], "usage": _USAGE}
    yield {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": response}
