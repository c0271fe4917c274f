"""How rules read."""

import pytest

from authz_app.policy.condition_syntax import typed_line
from authz_app.policy.conditions import Condition, Operator
from authz_app.policy.rule import Limit
from authz_app.policy.sentence import Terms, rule_sentence


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
        ("all", "order", "Allow Demo to use the tool, resource or prompt order."),
        ("all", "order_*", "Allow Demo to use the tools, resources and prompts order_*."),
        ("all", "*", "Allow Demo to use every tool, resource and prompt."),
        ("all", "", "Allow nothing: no tool, resource or prompt is named."),
    ],
)
def test_a_sentence_says_what_is_allowed(kind: str, tools: str, sentence: str) -> None:
    assert rule_sentence(Terms("allow", kind, ["Demo"], [], tools.split())) == sentence


CITY, ORG = (typed_line(line) for line in ('arguments.city in Paris, "7"', "claims.org exists"))
NOON = 1_800_014_400.0


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (
            Terms("allow", "tool", None, ["a"], ["pay"], [CITY, ORG], NOON, NOON + 61),
            'Allow every client to call pay, with the token scope a, if arguments.city is one of "Paris", "7" and'
            " claims.org is there, from 2027-01-15 12:00 until 2027-01-15 12:01:01 UTC.",
        ),
        (
            Terms("deny", "tool", ["Demo"], [], ["pay"], [CITY], ends=NOON),
            'Deny Demo to call pay, if arguments.city is one of "Paris", "7", or if that is unknown,'
            " until 2027-01-15 12:00 UTC.",
        ),
        (
            Terms("deny", "tool", ["Demo"], [], ["pay"], [ORG], NOON),
            "Deny Demo to call pay, if claims.org is there, from 2027-01-15 12:00 UTC.",
        ),
        (
            Terms("limit", "tool", ["Demo"], [], ["pay"], limit=Limit(1, 60, per_client=False)),
            "Limit Demo to 1 call of pay a minute.",
        ),
        (
            Terms("limit", "resource", ["Ada", "Bo"], [], ["order"], limit=Limit(1_000, 3_600)),
            "Limit Ada and Bo to 1,000 reads of the resource order an hour each.",
        ),
        (
            Terms("limit", "prompt", ["Ada", "Bo"], [], ["*"], limit=Limit(2, 86_400, per_client=False)),
            "Limit Ada and Bo together to 2 uses of any prompt a day.",
        ),
        (
            Terms("limit", "tool", None, [], ["pay", "send_*"], limit=Limit(100, 60, per_client=False)),
            "Limit all clients together to 100 calls of pay and send_* a minute, counted together.",
        ),
        (
            Terms("limit", "all", None, [], ["*"], limit=Limit(100, 60)),
            "Limit every client to 100 uses of any tool, resource or prompt a minute.",
        ),
        (Terms("limit", "tool", [], [], ["pay"], limit=Limit(100, 60)), "Limit nobody: no client is named."),
    ],
)
def test_a_sentence_grows_with_what_the_rule_asks_for(terms: Terms, sentence: str) -> None:
    assert rule_sentence(terms) == sentence


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\x1b", "\n", "\u2028", "\ufeff"])
def test_nothing_in_a_name_or_a_value_makes_a_sentence_read_otherwise(hidden: str) -> None:
    condition = Condition("arguments", (f"a{hidden}b",), Operator.EQUALS, f"v{hidden}")
    sentence = rule_sentence(Terms("allow", "tool", [f"Ada{hidden}"], [f"s{hidden}"], [f"t{hidden}"], [condition]))
    assert sentence.isprintable()
    assert f"Allow Ada\\u{ord(hidden):04x} to call t\\u{ord(hidden):04x}, with" in sentence
