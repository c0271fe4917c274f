"""Deployment as docs/deployment.md has it: no DEBUG, PostgreSQL, collected static files, plain Daphne."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.databases import rule_for_everybody
from tests.issuer import Issuer
from tests.site import ROOT, Site

WAIT = 60.0
COMMANDS = (["migrate", "-v0"], ["collectstatic", "--no-input", "-v0"], ["createsuperuser", "--no-input", "-v0"])


def environment_of(site: Site, **changes: str) -> dict[str, str]:
    """The production environment: the site's own settings, nothing of the tests'."""
    assert site.issuer is not None
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return {
        **kept,
        "ENV_FILE": os.devnull,
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": "a-secret-key-that-is-used-by-the-tests-and-nowhere-else",
        "PUBLIC_URL": site.url,
        "DATABASE_URL": site.database_url,
        "TRUSTED_ISSUERS": f'[{{"issuer": "{site.issuer.url}", "audiences": ["{site.audience}"]}}]',
        "DJANGO_SUPERUSER_USERNAME": "root",
        "DJANGO_SUPERUSER_EMAIL": "root@example.com",
        "DJANGO_SUPERUSER_PASSWORD": "correct horse battery staple",
        **changes,
    }


def daphne(site: Site) -> list[str]:
    return [sys.executable, "-m", "daphne", "-p", str(site.port), "mcpsite.asgi:application"]


async def test_the_readme_s_deployment_serves_a_styled_admin_and_a_governed_call(
    fresh_postgresql: str, issuer: Issuer
) -> None:
    site = Site(fresh_postgresql, issuer)
    site.environment = environment_of(site)
    for command in COMMANDS:
        done = site.manage(*command)
        assert done.returncode == 0, done.stderr
    rule_for_everybody(fresh_postgresql, "TimeTool")
    site.start(*daphne(site))
    try:
        async with asyncio.timeout(WAIT), httpx2.AsyncClient() as http:
            page = await http.get(f"{site.url}/admin/login/")
            assert page.status_code == 200
            styles = re.findall(r'href="([^"]+\.css)"', page.text)
            assert styles
            for style in styles:
                assert (await http.get(site.url + style)).status_code == 200
            async with site.client() as client:
                result = await client.call_tool("TimeTool", {})
            assert "The current time is" in str(result.content[0])
    finally:
        site.stop()
    site.assert_no_traceback()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "insecure-development-key"}, "SECRET_KEY is missing"),
        ({"TRUSTED_ISSUERS": ""}, "No issuer is trusted"),
        ({"TRUSTED_ISSUERS": "[{]"}, "TRUSTED_ISSUERS is not JSON"),
        ({"TRUSTED_ISSUERS": '[{"issuer": "http://i.example/", "audiences": ["a"]}]'}, "is not https"),
        ({"TRUSTED_ISSUERS": '[{"issuer": "https://i.example/", "audiences": []}]'}, "needs at least one audience"),
        ({"AUTH0_DOMAIN": "t.auth0.com"}, "has no audience"),
        ({"TRUSTED_PROXIES": "nonsense"}, "'nonsense' does not appear to be"),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}, "The database cannot be used"),
        ({"DATABASE_URL": "nonsense"}, "The setting DATABASE_URL must be like"),
        ({"TOOL_THREADS": "many"}, "The setting TOOL_THREADS must be a whole number"),
    ],
)
@pytest.mark.parametrize("server", ["serve", "daphne"])
def test_what_is_unsafe_or_useless_stops_it_with_a_sentence(
    fresh_sqlite: str, issuer: Issuer, server: str, changes: dict[str, str], sentence: str
) -> None:
    site = Site(fresh_sqlite, issuer)
    command = daphne(site) if server == "daphne" else [sys.executable, "manage.py", "serve", "--port", str(site.port)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment_of(site, **changes),
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["migrate"],
        ["add_rule", "--effect", "allow", "--every-client", "--tool", "*"],
        ["can_i", "--client", "agent", "TimeTool"],
        ["audit", "verify"],
        ["audit", "export"],
        ["audit", "prune", "--older-than", "30d"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_command_says_that_the_database_is_away(issuer: Issuer, command: list[str], tmp_path: Path) -> None:
    site = Site("postgres://nobody@127.0.0.1:1/none", issuer)
    key, key_file = Ed25519PrivateKey.generate(), tmp_path / "audit-key.pem"
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    site.environment = environment_of(site, AUDIT_KEY_FILE=str(key_file))
    done = site.manage(*command)
    assert done.returncode == 2
    assert "The database cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
