"""The catalogue of tools follows the registry, and keeps what an administrator decided.

Covers: tools_app.models, tools_app.apps
"""

import pytest

from authz_app.policy.rule import KINDS
from tools_app import catalogue
from tools_app.models import Tool
from tools_app.registry import registered, tool, unregister

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_every_registered_tool_has_a_row() -> None:
    Tool.objects.all().delete()
    catalogue.sync()
    rows = {(row.kind, row.name): row for row in Tool.objects.all()}
    assert set(rows) == {(kind, name) for kind in KINDS for name in registered(kind)}
    assert all(row.enabled and not row.gone for row in rows.values())
    echo = rows["tool", "echo"]
    assert (echo.description, echo.module) == ("Return the text.", "tests.fixture_tools.mcp_tools")


def test_a_tool_that_is_gone_keeps_its_row_and_its_switch_and_may_come_back() -> None:
    tool(name="short_lived")(lambda: None)
    try:
        catalogue.sync()
        Tool.objects.filter(name="short_lived").update(enabled=False)
    finally:
        unregister("short_lived")
    catalogue.sync()
    assert Tool.objects.values_list("gone", "enabled").get(name="short_lived") == (True, False)
    tool(name="short_lived")(lambda: None)
    try:
        catalogue.sync()
    finally:
        unregister("short_lived")
    assert Tool.objects.values_list("gone", "enabled").get(name="short_lived") == (False, False)


def test_a_description_is_renewed_and_nothing_else_is() -> None:
    Tool.objects.filter(name="echo").update(description="Old words.", enabled=False)
    catalogue.sync()
    assert Tool.objects.values_list("description", "enabled").get(name="echo") == ("Return the text.", False)


def test_a_second_sync_writes_nothing(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    catalogue.sync()
    with django_assert_num_queries(1):
        catalogue.sync()


def test_switched_off_tools_are_named() -> None:
    Tool.objects.filter(name__in=["echo", "fail"]).update(enabled=False)
    assert catalogue.switched_off() == {("tool", "echo"), ("tool", "fail")}
