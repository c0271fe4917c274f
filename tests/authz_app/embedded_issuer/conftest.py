"""A place for the issuer's key, an application with a secret, and the site without the embedded issuer."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.idp.oidc.models import Client as OAuthApplication
from django.urls import clear_url_caches

import mcpsite.urls
from authz_app.embedded_issuer.applications import ensure_service


@pytest.fixture
def data_dir(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "var"
    return tmp_path / "var"


@pytest.fixture
def service(db: None) -> tuple[OAuthApplication, str]:
    application, secret = ensure_service("robot", ["read", "write"])
    assert secret is not None
    return application, secret


@pytest.fixture
def switched_off(settings: Any) -> Iterator[None]:
    """The site as it is without the embedded issuer."""
    settings.LOCAL_ISSUER = False
    _reload_urls()
    yield
    settings.LOCAL_ISSUER = True
    _reload_urls()


def _reload_urls() -> None:
    importlib.reload(mcpsite.urls)
    clear_url_caches()
