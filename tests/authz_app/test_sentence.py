"""How rules read."""

import pytest

from authz_app.sentence import rule_sentence


@pytest.mark.parametrize(
    ("kind", "tools", "sentence"),
    [
        ("tool", "TimeTool", "Allow Demo to call TimeTool."),
        ("tool", "a b c", "Allow Demo to call a, b and c."),
        ("tool", "*", "Allow Demo to call every tool."),
        ("tool", "", "Allow nothing: no tool is named."),
        ("resource", "order", "Allow Demo to read the resource order."),
        ("resource", "order invoice", "Allow Demo to read the resources order and invoice."),
        ("resource", "order_*", "Allow Demo to read the resources order_*."),
        ("resource", "*", "Allow Demo to read every resource."),
        ("prompt", "greet", "Allow Demo to use the prompt greet."),
        ("prompt", "x * y", "Allow Demo to use every prompt."),
        ("prompt", "", "Allow nothing: no prompt is named."),
        ("nonsense", "order", "Unreadable kind 'nonsense', so deny everything to everybody."),
    ],
)
def test_a_sentence_says_what_is_allowed(kind: str, tools: str, sentence: str) -> None:
    said = rule_sentence(effect="allow", kind=kind, clients=["Demo"], token_scopes=[], tools=tools.split())
    assert said == sentence


def test_a_rule_with_an_unreadable_effect_says_what_it_does() -> None:
    said = rule_sentence(effect="maybe", kind="tool", clients=[], token_scopes=[], tools=[])
    assert said == "Unreadable effect 'maybe', so deny everything to everybody."
