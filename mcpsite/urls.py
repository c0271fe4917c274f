"""Routes Django's part of the site: the admin and pages. MCP paths never come here; see ``mcpsite.asgi``."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from authz_app import views
from tools_app.pages import explain

urlpatterns = [
    path("", views.start, name="start"),
    path("r/<str:record_id>", views.record, name="record"),
    path("", include("authz_app.pages.urls")),
    # Before the admin's own, which take whatever comes.
    path("admin/explain/", admin.site.admin_view(explain.explain), name="explain"),
    path("admin/explain/<uuid:record_id>/", admin.site.admin_view(explain.explain_record), name="explain_record"),
    path("admin/", admin.site.urls),
    path("", include("authz_app.tokens.metadata")),
    path("", include("tools_app.pages.urls")),
]
if settings.LOCAL_ISSUER:
    urlpatterns.append(path("", include("authz_app.embedded_issuer.urls")))
