"""`manage.py check`, which asks issuers for their keys."""

import json
from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from tests.issuer import Issuer


def checked() -> str:
    said = StringIO()
    call_command("check", stderr=said, stdout=said)
    return said.getvalue()


def test_each_issuer_s_keys_are_read_by_this_command_alone(settings: Settings) -> None:
    with Issuer() as issuer:
        entry = {"issuer": issuer.url, "audiences": [f"{settings.PUBLIC_URL}/mcp"]}
        settings.TRUSTED_ISSUERS = json.dumps([entry])
        run_checks()
        assert issuer.fetches == 0
        assert "009" not in checked()
        assert issuer.fetches == 1
        issuer.behaviour = "down"
        assert "authz.W009" in checked()
        issuer.behaviour = "garbage"
        with pytest.raises(SystemCheckError, match=r"authz\.E009"):
            checked()


def test_settings_that_cannot_be_read_are_said_once(settings: Settings) -> None:
    settings.TRUSTED_ISSUERS = "no JSON"
    with pytest.raises(SystemCheckError, match=r"authz\.E002") as refused:
        checked()
    assert "E009" not in str(refused.value)
