"""Adapt allauth's accounts: administrators make them, and attempts to sign in are counted by address."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from authz_app.web.client_address import request_address


class AccountAdapter(DefaultAccountAdapter):
    """Settings name it as ACCOUNT_ADAPTER."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that limits count by."""
        return request_address(request)
