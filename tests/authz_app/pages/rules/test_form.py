"""Conditions, windows and limits in the admin: as they are typed, saved, shown, searched and filtered.

Covers: authz_app.pages.rules.conditions_field
"""

import html
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from authz_app.models import Rule
from authz_app.policy.condition_syntax import read, stored, typed_line
from tests.rows import make_client, make_rule

pytestmark = pytest.mark.django_db

RULES = "/admin/authz_app/rule/"


def form(**fields: Any) -> dict[str, Any]:
    plain = {"effect": "allow", "applies_to": "every", "tools": "TimeTool", "enabled": "on", "token_scopes": ""}
    return {**plain, "note": "", **fields}


def rows(*conditions: tuple[str, str, str]) -> dict[str, list[str]]:
    """Rows of conditions as the browser posts them, the last one blank."""
    parts = zip(*conditions, ("", "equals", ""), strict=True)
    return {f"conditions_{name}": list(part) for name, part in zip(("path", "operator", "value"), parts, strict=True)}


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


def saved(browser: Browser, **fields: Any) -> Rule:
    response = browser.post(f"{RULES}add/", form(**fields))
    assert response.status_code == 302, text(response)
    return Rule.objects.get()


def preview(browser: Browser, **fields: Any) -> Any:
    return browser.post(f"{RULES}sentence/", form(**fields)).json()


def test_conditions_are_saved_as_they_were_typed(admin_client: Browser) -> None:
    typed = [
        ("arguments.city", "in", "Paris, Rome"),
        ('claims."https://example.com/roles"', "contains", "admin"),
        ("arguments.count", "equals", "5"),
        ("arguments.code", "equals", '"5"'),
        ("claims.org", "exists", ""),
    ]
    rule = saved(admin_client, **rows(*typed))
    assert [condition.value for condition in read(rule.conditions)] == [("Paris", "Rome"), "admin", 5, "5", None]
    page = text(admin_client.get(f"{RULES}{rule.pk}/change/"))
    for path, _, value in typed:
        assert f'value="{path}"' in page or f"value='{path}'" in page
        assert f'value="{value}"' in page or f"value='{value}'" in page
    assert rule.sentence() in page
    admin_client.post(f"{RULES}{rule.pk}/change/", form(**rows(typed[0])))
    assert read(Rule.objects.get().conditions) == (typed_line("arguments.city in Paris, Rome"),)


def test_a_rule_without_conditions_has_none(admin_client: Browser) -> None:
    assert saved(admin_client, **rows()).conditions == ""


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (("city", "equals", "Paris"), "'city' is no path"),
        (("", "equals", "Paris"), "is no path"),
        (("arguments.city", "equals", ""), "equals needs a value"),
        (("arguments.city", "in", "Paris, 1"), "all texts, all numbers or all booleans"),
        (("arguments.city", "exists", "Paris"), "exists takes no value"),
        (("arguments.city", "like", "Paris"), "'like' is no operator"),
    ],
)
def test_what_is_no_condition_is_not_saved_and_stays_to_be_mended(
    admin_client: Browser, row: tuple[str, str, str], complaint: str
) -> None:
    page = text(admin_client.post(f"{RULES}add/", form(**rows(row))))
    assert complaint in page
    assert f'value="{row[2]}"' in page
    assert not Rule.objects.exists()
    assert complaint in preview(admin_client, **rows(row))["warnings"][0]


def test_a_condition_that_cannot_be_read_is_shown_and_denies_a_save_until_it_is_mended(admin_client: Browser) -> None:
    rule = make_rule(applies_to="every", conditions="nonsense")
    assert "nonsense" in text(admin_client.get(f"{RULES}{rule.pk}/change/"))
    response = admin_client.post(f"{RULES}{rule.pk}/change/", form(**rows(("nonsense", "equals", "x"))))
    assert "'nonsense' is no path" in text(response)


def test_a_window_is_saved_and_one_that_never_opens_is_noted(admin_client: Browser) -> None:
    window = {
        "valid_from_0": "2026-12-24", "valid_from_1": "08:00", "valid_until_0": "2026-12-24", "valid_until_1": "07:00",
    }  # fmt: skip
    assert "It ends before it begins, so it never decides anything." in preview(admin_client, **window)["warnings"]
    past = {"valid_until_0": "2020-01-01", "valid_until_1": "00:00"}
    assert "It has ended already, so it decides nothing." in preview(admin_client, **past)["warnings"]
    rule = saved(admin_client, **{**window, "valid_until_1": "09:00"})
    assert rule.valid_from == datetime(2026, 12, 24, 8, tzinfo=UTC)
    assert rule.sentence().endswith(", from 2026-12-24 08:00 until 2026-12-24 09:00 UTC.")


def test_a_limit_needs_a_number_and_a_period(admin_client: Browser) -> None:
    page = text(admin_client.post(f"{RULES}add/", form(effect="limit")))
    assert "A limit rule needs a number of calls." in page
    assert "A limit rule needs a period: a minute, an hour or a day." in page
    assert "greater than or equal to 1" in text(
        admin_client.post(f"{RULES}add/", form(effect="limit", limit_calls="0", limit_period="day"))
    )
    rule = saved(admin_client, effect="limit", limit_calls="100", limit_period="minute", limit_per="together")
    assert rule.sentence() == "Limit all clients together to 100 calls of TimeTool a minute."


def test_what_stands_in_the_limit_of_another_rule_is_not_saved(admin_client: Browser) -> None:
    rule = saved(admin_client, effect="allow", limit_calls="5", limit_period="day", limit_per="client")
    assert (rule.limit_calls, rule.limit_period, rule.limit_per) == (None, "", "")


def test_an_allow_rule_with_token_scopes_may_be_listed_without_them(admin_client: Browser) -> None:
    said = "; listed also to those who lack only the scope."
    assert preview(admin_client, token_scopes="a", listed_without_scopes="on")["sentence"].endswith(said)
    assert saved(admin_client, token_scopes="a", listed_without_scopes="on").listed_without_scopes


@pytest.mark.parametrize("fields", [{"effect": "deny", "token_scopes": "a"}, {"token_scopes": ""}])
def test_what_is_ticked_of_listing_in_another_rule_is_not_saved(admin_client: Browser, fields: dict[str, str]) -> None:
    assert not saved(admin_client, **fields, listed_without_scopes="on").listed_without_scopes


def test_rules_are_found_by_their_conditions_and_by_their_windows(admin_client: Browser) -> None:
    now = timezone.now()
    hour = timedelta(hours=1)
    asks = stored([typed_line("arguments.city equals Oslo")])
    make_rule(make_client("Always"), conditions=asks)
    make_rule(make_client("Now"), valid_from=now - hour, valid_until=now + hour)
    make_rule(make_client("Later"), valid_from=now + hour)
    make_rule(make_client("Past"), valid_until=now - hour)

    def found(query: str) -> set[str]:
        page = text(admin_client.get(f"{RULES}?{query}"))
        return {name for name in ("Always", "Now", "Later", "Past") if f"Allow {name} to call" in page}

    assert found("q=Oslo") == {"Always"}
    assert found("window=open") == {"Always", "Now"}
    assert found("window=later") == {"Later"}
    assert found("window=over") == {"Past"}
    assert found("effect__exact=limit") == set()
    page = text(admin_client.get(RULES))
    assert all(words in page for words in ("Open", "Opens later", "Over"))
