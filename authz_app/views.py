"""Pages outside the admin: the site's start page, and the link that leads from a record's id to the record."""

from uuid import UUID

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from authz_app.conf import conf
from authz_app.models import CallRecord


def start(request: HttpRequest) -> HttpResponse:
    """What this site is and where to connect, for anybody."""
    configuration = conf()
    return render(
        request,
        "site/start.html",
        {
            "sse_url": f"{configuration.public_url}/sse",
            "issuers": [issuer.issuer for issuer in configuration.trusted_issuers],
            "contact": configuration.contact,
        },
    )


def record(request: HttpRequest, record_id: str) -> HttpResponse:
    """Lead staff from the id that a refused caller was told to the record."""
    if not admin.site.has_permission(request):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if not request.user.has_perm("authz_app.view_callrecord"):
        raise PermissionDenied
    found = _parsed(record_id)
    if found is None or not CallRecord.objects.filter(pk=found).exists():
        return render(request, "site/no_record.html", {"record_id": record_id[:64], "malformed": not found}, status=404)
    return redirect("admin:authz_app_callrecord_change", found)


def _parsed(record_id: str) -> UUID | None:
    try:
        return UUID(record_id)
    except ValueError:
        return None
