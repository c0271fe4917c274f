"""The admin pages of tools.

Covers: tools_app.admin
"""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from authz_app.policy_store.tool_port import tool_names
from tools_app.models import Tool

TOOLS = "/admin/tools_app/tool/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def tool() -> Tool:
    return Tool.objects.create(name="a_tool", description="First line.\n\nMore.", module="somewhere")


def test_a_tool_shows_the_first_line_of_its_description(admin_client: Browser, tool: Tool) -> None:
    page = admin_client.get(TOOLS).content.decode()
    assert "First line." in page
    assert "More." not in page


def test_of_a_tool_only_its_switch_and_what_is_recorded_can_be_changed(admin_client: Browser, tool: Tool) -> None:
    fields = {"name": "other", "description": "x", "module": "x", "gone": "on"}
    admin_client.post(f"{TOOLS}{tool.pk}/change/", fields)
    found = Tool.objects.get(pk=tool.pk)
    assert (found.name, found.description, found.module, found.gone) == ("a_tool", tool.description, "somewhere", False)
    assert not found.enabled


@pytest.mark.parametrize("path", ["add/", "{}/delete/"])
def test_tools_are_neither_added_nor_deleted_by_hand(admin_client: Browser, tool: Tool, path: str) -> None:
    assert admin_client.post(TOOLS + path.format(tool.pk), {"post": "yes"}).status_code == 403
    assert Tool.objects.filter(pk=tool.pk).exists()


def test_a_tool_is_switched_off_and_on_from_the_list(admin_client: Browser, tool: Tool) -> None:
    chosen = {"_selected_action": [tool.pk]}
    page = admin_client.post(TOOLS, {"action": "switch_off", **chosen}, follow=True).content.decode()
    assert "Now off: a_tool. From the next call on, it is refused to everybody." in page
    assert not Tool.objects.get(pk=tool.pk).enabled
    admin_client.post(TOOLS, {"action": "switch_on", **chosen})
    assert Tool.objects.get(pk=tool.pk).enabled
    assert LogEntry.objects.count() == 2


def test_forms_and_filters_know_the_tools_that_are_not_gone(tool: Tool) -> None:
    Tool.objects.create(name="gone_tool", module="x", gone=True)
    assert "a_tool" in tool_names("tool")
    assert "gone_tool" not in tool_names("tool")


def test_the_list_of_tools_takes_no_query_per_row(
    admin_client: Browser, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Tool.objects.bulk_create(Tool(name=f"tool_{number}", module="x") for number in range(30))
    with django_assert_max_num_queries(6):
        admin_client.get(TOOLS)


def test_what_is_recorded_is_chosen_on_the_page_of_the_tool_and_told_there(admin_client: Browser) -> None:
    row, _ = Tool.objects.get_or_create(kind="tool", name="echo", defaults={"module": "tests"})
    address = f"{TOOLS}{row.pk}/change/"
    page = admin_client.get(address).content.decode()
    assert "Records hold the arguments too, and no results." in page and "Says arguments." in page
    admin_client.post(address, {"enabled": "on", "recorded": "result", "redacted": " customer.iban\n\nitems.*.card\n"})
    row.refresh_from_db()
    assert (row.recorded, row.redacted) == ("result", "customer.iban\nitems.*.card")
    page = admin_client.get(address).content.decode()
    assert "Records hold the arguments and the results too." in page
    assert "is taken out, and so is customer.iban, items.*.card." in page


def test_a_path_that_is_none_is_told_and_not_saved(admin_client: Browser, tool: Tool) -> None:
    fields = {"enabled": "on", "recorded": "", "redacted": "customer..iban"}
    page = admin_client.post(f"{TOOLS}{tool.pk}/change/", fields).content.decode()
    assert "is no path, such as customer.iban or items.*.card." in page
    assert Tool.objects.get(pk=tool.pk).redacted == ""


def test_of_what_is_not_registered_the_author_s_choice_is_not_known(admin_client: Browser, tool: Tool) -> None:
    page = admin_client.get(f"{TOOLS}{tool.pk}/change/").content.decode()
    assert "Not known: no installed app registers it." in page
