"""Leads from a rule, a client or a tool to its policy history."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from authz_app.pages.shared.ids import number_in

_LIST = "admin:authz_app_policyedit_changelist"


class PolicyHistoryMixin:
    """Lets the button "History" of a rule, a client or a tool lead to what the policy history has of it."""

    history_filter: str

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        if request.user.has_perm("authz_app.view_policyedit"):
            return HttpResponseRedirect(f"{reverse(_LIST)}?{self.history_filter}={number_in(object_id)}")
        return super().history_view(request, object_id, extra_context)  # type: ignore[misc]
