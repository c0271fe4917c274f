"""Edits conditions as rows of a path, an operator and a value. The script only adds rows."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from authz_app.policy import condition_syntax
from authz_app.policy.conditions import ROOTS, Operator

Row = tuple[str, str, str]
_BLANK: Row = ("", "equals", "")
_PARTS = ("path", "operator", "value")


class ConditionsWidget(forms.Widget):
    template_name = "admin/authz_app/rule/conditions.html"

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        # Django's own renderer of forms does not know this site's templates.
        return render_to_string(self.template_name, self.get_context(name, value, attrs))

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        rows = [*(value or ()), _BLANK]
        context["rows"] = [
            [_part(name, number, part, text) for part, text in zip(_PARTS, row, strict=True)]
            for number, row in enumerate(rows, 1)
        ]
        context["roots"] = [f"{root}." for root in ROOTS]
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """Read the rows of a posted form, or the stored text that other code hands in."""
        if f"{name}_path" not in data or not hasattr(data, "getlist"):
            return data.get(name)
        rows = zip(*(data.getlist(f"{name}_{part}") for part in _PARTS), strict=False)
        return [row for row in rows if row[0].strip() or row[2].strip()]

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return f"{name}_path" not in data and name not in data

    def id_for_label(self, id_: str) -> str:
        return ""


def _part(name: str, number: int, part: str, text: str) -> str:
    attrs = {"aria-label": f"Condition {number}: {part}", "autocomplete": "off"}
    if part == "operator":
        choices = [(operator.value, operator.value) for operator in Operator]
        return UnfoldAdminSelectWidget(choices=choices).render(f"{name}_{part}", text, attrs)
    placeholder = "arguments.city" if part == "path" else "Paris"
    return UnfoldAdminTextInputWidget().render(f"{name}_{part}", text, {**attrs, "placeholder": placeholder})


class ConditionsField(forms.Field):
    """Cleans rows of conditions to the text that is stored."""

    widget = ConditionsWidget

    def prepare_value(self, value: Any) -> list[Row]:
        if not isinstance(value, str):
            return list(value or ())
        try:
            return [
                (condition_syntax.path_of(one), one.operator.value, condition_syntax.value_text(one))
                for one in condition_syntax.read(value)
            ]
        except condition_syntax.BadCondition:
            return [(value, "equals", "")]  # To be seen, and mended.

    def to_python(self, value: Any) -> str:
        try:
            if not value or isinstance(value, str):
                return condition_syntax.stored(condition_syntax.read(value or ""))
            typed = [condition_syntax.typed(*row) for row in value]
            return condition_syntax.stored(condition_syntax.read(condition_syntax.stored(typed)))
        except condition_syntax.BadCondition as error:
            raise forms.ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != (initial or "")
        except forms.ValidationError:
            return True
