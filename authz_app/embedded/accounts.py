"""How people sign in: accounts are made by administrators, and attempts are counted by address."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from authz_app.addresses import nearest_untrusted
from authz_app.conf import conf


class AccountAdapter(DefaultAccountAdapter):
    """Settings name it as ACCOUNT_ADAPTER."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that limits count by; behind a trusted proxy the one that the proxy saw."""
        forwarded_for = [value for value in [request.META.get("HTTP_X_FORWARDED_FOR")] if value]
        return nearest_untrusted(request.META.get("REMOTE_ADDR") or "", forwarded_for, conf().trusted_proxies)
