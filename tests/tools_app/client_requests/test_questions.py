"""What a tool asks of its caller's model, as it goes over the wire."""

from typing import Any

import pytest
from mcp_types import ModelPreferences, SamplingMessage, TextContent

from tools_app.client_requests.questions import sampled_message, sampling_question
from tools_app.errors import ToolFailure


def test_a_text_is_the_user_s() -> None:
    question = sampling_question("Why?", 10, {})
    assert (question.method, question.capability) == ("sampling/createMessage", "sampling")
    assert question.params == {
        "messages": [{"role": "user", "content": {"type": "text", "text": "Why?"}}],
        "maxTokens": 10,
    }


def test_a_conversation_and_wishes_are_told_as_mcp_spells_them() -> None:
    said = SamplingMessage(role="assistant", content=TextContent(type="text", text="Hm."))
    params = sampling_question(
        [said],
        10,
        {
            "system_prompt": "Be brief.",
            "temperature": 0.5,
            "stop_sequences": ["."],
            "model_preferences": ModelPreferences(cost_priority=1.0),
        },
    ).params
    assert params["messages"][0]["role"] == "assistant"
    assert {key: params[key] for key in params.keys() - {"messages"}} == {
        "maxTokens": 10,
        "systemPrompt": "Be brief.",
        "temperature": 0.5,
        "stopSequences": ["."],
        "modelPreferences": {"costPriority": 1.0},
    }


def test_a_message_is_read() -> None:
    message = sampled_message(
        {"role": "assistant", "content": {"type": "text", "text": "So."}, "model": "m", "stopReason": "endTurn"}
    )
    assert isinstance(message.content, TextContent)
    assert (message.content.text, message.model, message.stop_reason) == ("So.", "m", "endTurn")


@pytest.mark.parametrize("reply", [{}, {"role": "assistant"}, {"role": "x", "content": [], "model": 1}])
def test_what_is_no_message_fails_the_tool(reply: dict[str, Any]) -> None:
    with pytest.raises(ToolFailure, match="no message of a model"):
        sampled_message(reply)
