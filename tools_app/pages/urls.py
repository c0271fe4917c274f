"""Routes the pages for people who call tools."""

from django.conf import settings
from django.urls import path

from tools_app.pages import people

urlpatterns = [path("connect/", people.connect, name="connect")]
if settings.LOCAL_ISSUER:
    urlpatterns += [
        path("me/", people.me, name="me"),
        path("me/disconnect/", people.disconnect, name="disconnect"),
    ]
