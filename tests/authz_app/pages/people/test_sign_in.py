"""Sign-in to the admin is limited, too."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client as Browser

from authz_app.models import User

pytestmark = pytest.mark.django_db
PATH = "/admin/login/?next=/admin/"


@pytest.fixture(autouse=True)
def administrator() -> Iterator[None]:
    cache.clear()
    User.objects.create_superuser("admin", password="right")
    yield
    cache.clear()


def sign_in(browser: Browser, password: str, username: str = "admin") -> tuple[int, str]:
    answer = browser.post(PATH, {"username": username, "password": password})
    return answer.status_code, answer.content.decode()


def test_after_too_many_failures_the_right_password_does_not_help(client: Browser) -> None:
    for _ in range(10):
        assert "Please enter the correct username and password" in sign_in(client, "wrong")[1]
    status, page = sign_in(client, "right")
    assert status == 200
    assert "Too many failed attempts" in page


def test_signing_in_is_no_failure(client: Browser) -> None:
    for _ in range(12):
        assert sign_in(client, "right")[0] == 302
    assert "Please enter the correct" in sign_in(client, "wrong")[1]


def test_failures_at_either_page_count_together(client: Browser) -> None:
    for _ in range(10):
        client.post("/sign-in/", {"login": "admin", "password": "wrong"})
    assert "Too many failed attempts" in sign_in(client, "right")[1]


@pytest.mark.parametrize("name", ["a\0b", "x" * 5_000, ""])
def test_strange_names_do_no_harm(client: Browser, name: str) -> None:
    assert sign_in(client, "wrong", name)[0] == 200
