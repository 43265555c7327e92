from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse

from . import theme
from .models import Customer, Order

admin.site.site_header = "Northmoor Paper Co. administration"
admin.site.site_title = "Northmoor admin"
admin.site.index_title = "Back office"
admin.site.unregister([Group, User])


class ThemedAdmin(admin.ModelAdmin):
    """Stock in v1; in v2 other columns first, other widget ids, and cells without Django's class names."""

    list_per_page = 25
    redesigned_display: tuple[str, ...] = ()
    headings: ClassVar[dict[str, str]] = {}

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.redesigned_display if theme.version() == "v2" else self.list_display

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        base = super().get_form(request, obj, change, **kwargs)
        if theme.version() == "v1":
            return base

        class Renamed(base):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **{**options, "auto_id": "w7-%s-k"})

        return Renamed

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if theme.version() == "v2" and context and "cl" in context:
            columns = self.redesigned_display
            changes = context["cl"]
            context["grid_head"] = [
                self.headings.get(name) or label_for_field(name, self.model, self) for name in columns
            ]
            context.update(_pager(changes))
            context["grid"] = [
                (changes.url_for_result(row), [self._cell(row, name) for name in columns])
                for row in changes.result_list
            ]
        return response

    def _cell(self, row: Any, name: str) -> Any:
        if hasattr(self, name):
            return getattr(self, name)(row)
        display = getattr(row, f"get_{name}_display", None)
        return display() if display else getattr(row, name)


def _pager(changes: Any) -> dict[str, Any]:
    page = changes.paginator.page(changes.page_num)
    return {
        "page_from": page.start_index(),
        "page_to": page.end_index(),
        "newer": changes.get_query_string({"p": page.number - 1}) if page.has_previous() else None,
        "older": changes.get_query_string({"p": page.number + 1}) if page.has_next() else None,
    }


@admin.register(Customer)
class CustomerAdmin(ThemedAdmin):
    list_display = ("name", "company", "email", "city", "since", "order_count")
    redesigned_display = ("email", "name", "city", "company", "order_count", "since")
    search_fields = ("name", "email", "company")
    list_filter = ("city", "newsletter")

    @admin.display(description="Orders")
    def order_count(self, customer: Customer) -> int:
        return customer.orders.count()


@admin.register(Order)
class OrderAdmin(ThemedAdmin):
    list_display = ("number", "customer", "status", "channel", "placed", "items", "total")
    redesigned_display = ("status", "number", "total", "placed", "customer", "channel", "items")
    headings: ClassVar[dict[str, str]] = {
        "number": "Order no.",
        "placed": "Ordered on",
        "total": "Amount (EUR)",
        "status": "State",
    }
    list_filter = ("status", "channel")
    search_fields = ("number", "customer__name", "customer__email")
    list_select_related = ("customer",)
    autocomplete_fields = ("customer",)
    actions = ("mark_shipped",)

    @admin.action(description="Mark selected orders as shipped")
    def mark_shipped(self, request: HttpRequest, queryset: Any) -> None:
        changed = queryset.update(status=Order.Status.SHIPPED)
        self.message_user(request, f"{changed} orders were marked as shipped.", messages.SUCCESS)
