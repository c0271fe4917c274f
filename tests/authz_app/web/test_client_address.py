"""The address of a request to a page, with and without a proxy before the site."""

from django.test import RequestFactory
from pytest_django import Settings

from authz_app.web.client_address import request_address


def test_a_header_of_anybody_counts_for_nothing() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.1", HTTP_X_FORWARDED_FOR="1.2.3.4")
    assert request_address(request) == "203.0.113.1"


def test_behind_a_trusted_proxy_it_is_the_address_that_the_proxy_saw(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="1.2.3.4, 203.0.113.9")
    assert request_address(request) == "203.0.113.9"
