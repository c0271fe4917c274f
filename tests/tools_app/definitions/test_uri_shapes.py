"""Which URIs a template has, for the search: what is found is one, and what is one is found."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from authz_app.policy.condition_syntax import typed_line
from authz_app.policy.decision import Shape
from authz_app.policy.satisfiability import arguments_between
from tools_app.definitions.build import ResourceOptions, build_resource


def shape(uri: str, **options: Any) -> Shape:
    def read(**_: str) -> str:
        return ""

    def of(a: str = "") -> str:
        return a

    def of_two(a: str = "", b: str = "") -> str:
        return a + b

    function = read if "{" not in uri else of_two if "b" in uri.partition("{")[2] else of
    return build_resource(uri, function, ResourceOptions(**options)).shape


def found(shape: Shape, *conditions: str) -> str | None:
    arguments = arguments_between([typed_line(f"arguments.uri {one}") for one in conditions], [], shape)
    return None if arguments is None else arguments["uri"]


@pytest.mark.parametrize(
    ("uri", "condition", "expected"),
    [
        ("orders://{a}", "glob *", "orders://"),
        ("orders://{a}", "glob orders://?*", "orders://0"),
        ("orders://{a}", "glob orders://*[!a-z]", "orders://0"),
        ("orders://{a}", "equals orders://7", "orders://7"),
        ("orders://{a}", "glob *%20*", "orders://%20"),
        # None of these is read by this template, or written so.
        ("orders://{a}", "equals orders://a/b", None),
        ("orders://{a}", "glob orders://*/*", None),
        ("orders://{a}", "equals orders://%31", None),
        ("orders://{a}", "in orders://.., orders://é, orders://a b", None),
        ("orders://{a}", "glob *é*", None),
        ("orders://{a}", "glob notes://*", None),
        ("orders://{a}/lines/{b}", "glob *7*", "orders://7/lines/"),
        ("orders://{a}/lines/{b}", "glob orders://x/*", "orders://x/lines/"),
        ("orders://{a}/lines/{b}", "glob orders://x/y/*", None),
        ("files://{+a}", "glob */b/*", "files://b/"),
        ("files://{+a}", "equals files:///etc/passwd", None),
        ("files://{+a}", "equals files://x/../../y", None),
        # Where names and separators come along, it is not told apart, and is like them.
        ("find://x{?a}", "glob *a=1*", "find://xa=1"),
        ("find://x{/a}", "glob *7*", "find://x7"),
    ],
)
def test_a_template_is_seen_for_the_uris_that_it_has(uri: str, condition: str, expected: str | None) -> None:
    assert found(shape(uri), condition) == expected


def test_paths_that_a_resource_does_not_check_may_lead_anywhere() -> None:
    assert found(shape("files://{+a}", unchecked=["a"]), "equals files:///etc/hosts") == "files:///etc/hosts"


letters = st.text("ab/.%2é*[ ", max_size=4)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(["t://{a}", "t://{a}/{b}", "t://{+a}", "t://{a}-{b}/x"]), letters, letters)
def test_what_is_found_is_read_and_written_so_by_the_template(uri: str, begins: str, has: str) -> None:
    one = shape(uri)
    text = found(one, f'glob "t://{begins}*"', f'contains "{has}"')
    assert one.accepts is not None
    assert text is None or (one.accepts(text) and has in text)
