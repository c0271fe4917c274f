"""The admin pages of people and groups."""

import pytest
from django.test import Client as Browser

from authz_app.embedded_issuer.subjects import user_subject
from authz_app.models import User
from tests.authz_app.pages.browsing import text
from tests.rows import make_client

pytestmark = pytest.mark.django_db


def test_whoever_deactivates_a_person_is_told_of_the_tokens_that_are_out(admin_client: Browser) -> None:
    dana = User.objects.create_user("dana", password="x")
    client = make_client("Dana", issuer="http://testserver", subject=user_subject(dana))
    path = f"/admin/authz_app/user/{dana.pk}/change/"
    fields = {"username": "dana", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    page = text(admin_client.post(path, {**fields, "is_active": ""}, follow=True))
    assert "No access token is issued for dana any more" in page
    assert f"/admin/authz_app/client/{client.pk}/change/" in page
    dana.refresh_from_db()
    assert not dana.is_active


def test_people_and_groups_have_pages(admin_client: Browser, admin_user: User) -> None:
    assert admin_client.get(f"/admin/authz_app/user/{admin_user.pk}/change/").status_code == 200
    assert admin_client.get("/admin/authz_app/user/add/").status_code == 200
    assert admin_client.get("/admin/auth/group/add/").status_code == 200
