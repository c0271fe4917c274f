"""`manage.py demo` lets in who reads it, and changes nothing that administrators changed since.

Covers: authz_app.embedded_issuer.demo
"""

import os
import re
import shlex
import sys
from typing import Any

import pytest
from allauth.idp.oidc.models import Client as OAuthApplication
from django.test import Client as Browser

from authz_app.embedded_issuer.applications import ensure_service
from authz_app.models import Client, Rule, User
from authz_app.policy.decision import Reason
from authz_app.tokens.signing_key import key_path
from tests.authz_app.management.running import LOCAL, allowed, claims_of, decision, refusal, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def printed_token(printed: str) -> str:
    return re.findall(r"--token (ey\S+) ", printed)[0]


def test_first_run_lets_in_who_reads_it(client: Browser) -> None:
    password = re.findall(r"admin, password (\S+) \(shown this once\)", run("demo"))[0]
    assert client.login(username="admin", password=password)
    assert User.objects.get(username="admin").is_superuser


def test_later_runs_print_no_password_and_change_nothing() -> None:
    run("demo")
    before = list(User.objects.values())
    again = run("demo")
    assert "password was printed on the first run; `manage.py changepassword admin` sets a new one" in again
    assert list(User.objects.values()) == before
    assert (Rule.objects.count(), Client.objects.count(), OAuthApplication.objects.count()) == (1, 1, 1)


def test_password_can_be_set_anew(client: Browser) -> None:
    assert "There is no user admin" in refusal("demo", "--force-password-reset")
    run("demo")
    password = re.findall(r"admin, password (\S+) ", run("demo", "--force-password-reset"))[0]
    assert client.login(username="admin", password=password)


def test_makes_no_administrator_beside_an_existing_one() -> None:
    User.objects.create_superuser("carol", password="x")
    assert "with your own account" in run("demo")
    assert not User.objects.filter(username="admin").exists()


def test_prints_one_command_that_calls_a_tool() -> None:
    printed = run("demo")
    assert "http://testserver/admin/" in printed
    (command,) = [line for line in printed.splitlines() if "call TimeTool" in line]
    words = shlex.split(command)
    assert words[:4] == [
        os.path.relpath(sys.executable),
        os.path.relpath("manage.py"),
        "mcp_client",
        f"{LOCAL}/mcp",
    ]
    assert words[4] == "--token"
    assert words[6:] == ["call", "TimeTool", "input_timezone=Asia/Kolkata"]
    assert claims_of(words[5])["sub"] == "demo@clients"


def test_demo_client_may_call_the_time_tool_and_nothing_else() -> None:
    claims = claims_of(printed_token(run("demo")))
    assert allowed(claims["sub"], "TimeTool", issuer=claims["iss"])
    assert decision(claims["sub"], "weather_tool", issuer=claims["iss"]).reason is Reason.NO_RULE
    assert Client.objects.get().name == "demo"


def test_blocked_demo_client_stays_blocked() -> None:
    run("demo")
    Client.objects.update(status=Client.Status.BLOCKED)
    assert "The demo client is blocked now, so every call is refused." in run("demo")
    assert not allowed("demo@clients", "TimeTool")


def test_changed_rule_stays_changed() -> None:
    run("demo")
    Rule.objects.update(tools="weather_tool")
    run("demo")
    assert not allowed("demo@clients", "TimeTool")


def test_deleted_rule_stays_deleted() -> None:
    run("demo")
    Rule.objects.all().delete()
    run("demo")
    assert not Rule.objects.exists()


def test_deleted_client_stays_deleted() -> None:
    run("demo")
    Rule.objects.all().delete()
    Client.objects.all().delete()
    run("demo")
    assert not Rule.objects.exists()
    assert not Client.objects.exists()


def test_deleted_application_stays_deleted(settings: Any) -> None:
    run("demo")
    OAuthApplication.objects.all().delete()
    assert "was deleted, and stays so" in run("demo")
    settings.PUBLIC_URL = "http://testserver:9000"
    assert "--token" not in run("demo")
    assert not OAuthApplication.objects.exists()


def test_another_public_url_gets_a_client_of_its_own(settings: Any) -> None:
    run("demo")
    settings.PUBLIC_URL = "http://testserver:9000"
    claims = claims_of(printed_token(run("demo")))
    assert claims["iss"] == "http://testserver:9000"
    assert allowed("demo@clients", "TimeTool", issuer="http://testserver:9000")
    Rule.objects.all().delete()
    run("demo")
    settings.PUBLIC_URL = LOCAL
    run("demo")
    assert not Rule.objects.exists()


def test_client_that_is_known_already_is_allowed_nothing(settings: Any) -> None:
    run("demo")
    Client.objects.create(issuer="http://testserver:9000", subject="demo@clients", status=Client.Status.BLOCKED)
    settings.PUBLIC_URL = "http://testserver:9000"
    run("demo")
    assert not Rule.objects.filter(clients__issuer="http://testserver:9000").exists()


def test_application_of_the_same_name_that_somebody_else_made_is_allowed_nothing() -> None:
    ensure_service("demo", [])
    run("demo")
    assert not Rule.objects.exists()


def test_withdrawn_grant_is_told() -> None:
    run("demo")
    OAuthApplication.objects.update(grant_types="authorization_code")
    assert "may not use the client_credentials grant" in run("demo")


def test_without_the_embedded_issuer_there_is_only_the_administrator(settings: Any) -> None:
    settings.LOCAL_ISSUER = False
    printed = run("demo")
    assert "admin, password" in printed
    assert "The embedded issuer is off" in printed
    assert not OAuthApplication.objects.exists()
    assert not key_path().exists()
