"""Routes the pages of the admin that belong to no model."""

from django.contrib import admin
from django.urls import path

from authz_app.pages.records import reveals
from authz_app.pages.refusals import allow, page as refusals
from authz_app.pages.start import emergency_stop

_view = admin.site.admin_view
urlpatterns = [
    path("admin/stop/", _view(emergency_stop.stop), name="stop"),
    path("admin/stop/undo/", _view(emergency_stop.go_on), name="go_on"),
    path("admin/refusals/", _view(refusals.refusals), name="refusals"),
    path("admin/refusals/client/<int:client_id>/", _view(refusals.settle_client), name="settle_client"),
    path("admin/records/<uuid:record_id>/look/", _view(reveals.reveal), name="look"),
    path("admin/refusals/<uuid:record_id>/allow/", _view(allow.allow), name="allow_refused"),
]
