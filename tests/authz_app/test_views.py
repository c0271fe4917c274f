"""The start page, the link to a record, and the pages of errors."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.shortcuts import render
from django.test import Client as Browser
from django.test import RequestFactory
from pytest_django import Settings

from authz_app.models import User
from tests.rows import build_record, make_client

pytestmark = pytest.mark.django_db


def test_the_start_page_tells_anybody_where_to_connect(client: Browser, settings: Settings) -> None:
    page = client.get("/").content.decode()
    assert f"{settings.PUBLIC_URL}/sse" in page
    assert settings.CONTACT in page
    assert 'href="/admin/"' in page


def test_the_start_page_escapes_the_contact(client: Browser, settings: Settings) -> None:
    settings.CONTACT = "<b>us</b>"
    assert "<b>us" not in client.get("/").content.decode()


def test_a_record_link_leads_staff_to_the_record(admin_client: Browser) -> None:
    record = build_record(make_client())
    record.save()
    for spelling in (str(record.pk), record.pk.hex, str(record.pk).upper()):
        response = admin_client.get(f"/r/{spelling}")
        assert response["Location"] == f"/admin/authz_app/callrecord/{record.pk}/change/"


def test_a_record_link_asks_strangers_to_sign_in_and_tells_them_nothing(client: Browser) -> None:
    record = build_record(make_client())
    record.save()
    for path in (f"/r/{record.pk}", f"/r/{uuid4()}", "/r/nonsense"):
        assert client.get(path)["Location"] == f"/admin/login/?next={path}"


def test_a_record_link_needs_the_permission_to_read_records(client: Browser) -> None:
    user = User.objects.create_user("clerk", is_staff=True)
    client.force_login(user)
    assert client.get(f"/r/{uuid4()}").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_callrecord"))
    assert client.get(f"/r/{uuid4()}").status_code == 404


@pytest.mark.parametrize("record_id", ["nonsense", "0197", "<script>alert(1)", "%00", "x" * 5000, "1" * 33])
def test_a_malformed_record_id_is_answered_in_a_sentence(admin_client: Browser, record_id: str) -> None:
    response = admin_client.get(f"/r/{record_id}")
    assert response.status_code == 404
    assert "is not the id of a call record" in response.content.decode()
    assert "<script>" not in response.content.decode()
    assert len(response.content) < 10_000


def test_an_unknown_record_id_is_answered_in_a_sentence(admin_client: Browser) -> None:
    response = admin_client.get(f"/r/{uuid4()}")
    assert response.status_code == 404
    assert "No call record has the id" in response.content.decode()


def test_a_page_that_is_not_there_says_so(client: Browser) -> None:
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


@pytest.mark.parametrize("template", ["403.html", "404.html", "500.html"])
def test_error_pages_need_nothing_but_themselves(template: str, rf: RequestFactory) -> None:
    page = render(rf.get("/"), template, using=None).content.decode()
    assert "<style>" in page
    assert 'src="' not in page
    assert 'rel="stylesheet"' not in page


def test_signing_in_and_out(client: Browser, admin_user: Any) -> None:
    assert "Log in" in client.get("/admin/login/").content.decode()
    client.force_login(admin_user)
    assert "logged out" in client.post("/admin/logout/").content.decode()
