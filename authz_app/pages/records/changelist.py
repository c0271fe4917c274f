"""Lists the call records that the filters and the search leave, a page at a time, by id."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from authz_app.core.ids import moment_of
from authz_app.models import LONG_COLUMNS, CallRecord
from authz_app.pages.records import reveals
from authz_app.pages.shared.filters import SearchFilter
from authz_app.pages.shared.ids import uuid_in
from authz_app.pages.shared.words import moment
from authz_app.record_search.filters import Filter
from authz_app.record_search.paging import Page, Place, clock, left_by, page_of
from authz_app.record_search.qualifiers import QUALIFIERS, SearchContext
from authz_app.record_search.search import Search, interpret

BEFORE, AFTER = "before", "after"


class Paging(InfinitePaginator):
    """Pages without counting: each begins below or above the id of a record."""

    template_name = "admin/authz_app/callrecord/paging.html"


class RecordChangeList(ChangeList):
    """Lists one page. ``older`` and ``newer`` are the queries of the pages on either side, or empty."""

    search: Search
    older = newer = ""
    looked_at = 0
    qualifiers = QUALIFIERS

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        whole = request.GET
        self._place = _taken_place(request)
        super().__init__(request, *args, **kwargs)
        # The way back from a record leads to this page of the list; all other links begin with the newest.
        chosen, request.GET = request.GET, whole
        self.preserved_filters = self.model_admin.get_preserved_filters(request)
        request.GET = chosen

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[CallRecord]:
        """Select all records that are left, for an export."""
        filtered = super().get_queryset(request, exclude_parameters)
        self.search = interpret(request.GET.get(SEARCH_VAR, ""), search_context(request))
        return left_by(filtered, self.search.filters)

    def get_results(self, request: HttpRequest) -> None:
        if self.search.arguments:
            reveals.record_search(request, self.search.arguments)
        page = self._page()
        rows = CallRecord.objects.defer(*LONG_COLUMNS).in_bulk(page.ids)
        self.result_list = [rows[record_id] for record_id in page.ids if record_id in rows]
        self.result_count = len(self.result_list)
        # Where they differ, the page tells how many there are.
        self.full_result_count = self.result_count
        self.show_full_result_count = self.show_admin_actions = self.can_show_all = False
        self.multi_page = True
        self.paginator = Paging(self.result_list, self.list_per_page)
        self.looked_at = page.looked_at
        self.upwards = self._place.after is not None
        self.reached = moment(moment_of(page.reached)) if page.reached else ""
        self._lead_on(page)

    def _page(self) -> Page:
        filters = [*self._filtered(), *self.search.filters]
        page = page_of(filters, self._place, self.list_per_page, clock())
        if self._place.after is not None and not page.more:
            # There are no others, so this is the first page: from its beginning, so that it is a full one.
            self._place = Place()
            page = page_of(filters, self._place, self.list_per_page, clock())
        return page

    def _filtered(self) -> Sequence[Filter]:
        chosen = [spec.filter for spec in self.filter_specs if isinstance(spec, SearchFilter)]
        return [one for one in chosen if one is not None]

    def _lead_on(self, page: Page) -> None:
        place, (first, last) = self._place, (page.ids[0], page.ids[-1]) if page.ids else (None, None)
        if place.after is not None:
            self.newer = self._query(AFTER, page.reached or first)
            self.older = self._query(BEFORE, last or _beside(place.after, 1))
            return
        if page.more:
            self.older = self._query(BEFORE, page.reached or last)
        if place.before is not None:
            self.newer = self._query(AFTER, first or _beside(place.before, -1))

    def _query(self, name: str, record_id: UUID | None) -> str:
        return str(self.get_query_string({name: str(record_id)}))

    @property
    def further(self) -> str:
        """Query of the page that goes on where this one stopped."""
        return self.newer if self.upwards else self.older

    @property
    def newest(self) -> str:
        """Query of the first page; empty on the first page itself."""
        return str(self.get_query_string()) if self.newer else ""


def search_context(request: HttpRequest) -> SearchContext:
    return SearchContext(timezone.localtime(), request.user.has_perm("authz_app.view_arguments"))


def _taken_place(request: HttpRequest) -> Place:
    """Take the place where the page begins out of the query, from which links and forms are made."""
    query = request.GET.copy()
    before, after = (uuid_in(query.get(name, "")) for name in (BEFORE, AFTER))
    for name in (BEFORE, AFTER):
        query.pop(name, None)
    request.GET = query  # type: ignore[assignment]  # it is one, but for being immutable
    return Place(before, None if before else after)


def _beside(record_id: UUID, step: int) -> UUID:
    return UUID(int=min(max(record_id.int + step, 0), 2**128 - 1))
