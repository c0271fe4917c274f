"""What tests of the admin's pages have in common."""

from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client as Browser

from authz_app.models import User

CLIENTS = "/admin/authz_app/client/"
RULES = "/admin/authz_app/rule/"
RECORDS = "/admin/authz_app/callrecord/"
HOSTILE = "</pre><script>alert(1)</script>"


def staff(client: Browser, *codenames: str) -> Browser:
    """Sign in as somebody who has these permissions and no others."""
    user = User.objects.create_user("clerk", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


def found(browser: Browser, query: str) -> list[str]:
    """The tools of the records on the first page."""
    response = browser.get(f"{RECORDS}?{query}")
    assert response.status_code == 200
    return [record.tool for record in response.context["cl"].result_list]
