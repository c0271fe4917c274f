"""Functions that return, and are described by, what Python and Django have besides JSON."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from mcp_types import CallToolResult, Completion, ImageContent, TextContent, ToolAnnotations
from pydantic import BaseModel, Field, RootModel, computed_field
from typing_extensions import TypedDict

from tools_app.registry import prompt, resource, tool


class Color(Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Reading:
    value: float
    label: str = ""


class Row(TypedDict):
    name: str
    age: int


class Account(BaseModel):
    owner: str = Field(serialization_alias="accountOwner")
    balance: float

    @computed_field
    def shown(self) -> str:
        return f"{self.balance} EUR"


class Numbers(RootModel[list[int]]):
    """Numbers."""


def circle() -> list[Any]:
    itself: list[Any] = []
    itself.append(itself)
    return itself


def nested(levels: int) -> Any:
    value: Any = 1
    for _level in range(levels):
        value = [value]
    return value


def people() -> QuerySet[Any]:
    from authz_app.models import Client  # noqa: PLC0415  (an app's tools import models at the top; this one is not loaded after them)

    return Client.objects.order_by("subject")


# What any function may return, by name; each is offered as a tool without an annotation.
VALUES: dict[str, Callable[[], Any]] = {
    "nan": lambda: math.nan,
    "infinity_within": lambda: {"prices": [1.5, -math.inf]},
    "reading": lambda: Reading(math.nan),
    "decimal_nan": lambda: Decimal("NaN"),
    "decimal": lambda: Decimal("1E+2"),
    "odd_keys": lambda: {1: "a", None: "b", (1, 2): "c", Color.RED: "d", datetime(2026, 1, 1, tzinfo=UTC): "e"},
    "a_set": lambda: {"x"},
    "complex": lambda: 1 + 2j,
    "circle": circle,
    "deep": lambda: nested(300),
    "surrogate": lambda: "\udc80",
    "surrogate_within": lambda: {"files": ["\udc80"]},
    "surrogate_key": lambda: {"\udc80": 1},
    "no_utf_8": lambda: b"\x89PNG\xff",
    "utf_8": lambda: b"text",
    "memory": lambda: memoryview(b"\xff"),
    "bytes_within": lambda: {"file": b"\xff"},
    "two_files": lambda: [b"\xff", b"text"],
    "path": lambda: Path("/tmp"),
    "uuid": lambda: UUID(int=7),
    "naive": lambda: datetime(2026, 1, 1),
    "duration": lambda: timedelta(seconds=0.5),
    "fraction": lambda: Fraction(1, 3),
    "enum": lambda: Color.RED,
    "lazy": lambda: _("Yes"),
    "lazy_within": lambda: {"answers": [_("Yes")], _("No"): 1},
    "safe": lambda: mark_safe("<b>"),
    "named": lambda: Point(1, 2),
    "a_range": lambda: range(3),
    "rows": lambda: people().values("subject"),
    "flat": lambda: people().values_list("subject", flat=True),
    "pairs": lambda: {"rows": people().values_list("subject", "issuer")},
    "instances": people,
    "instance": lambda: people().first(),
    "instance_within": lambda: {"people": [people().first()]},
    "manager": lambda: type(people().first()).objects,
    "an_object": object,
    "a_function": lambda: print,
    "large": lambda: 2**70,
    "largest": lambda: {"number": 10**999},
    "too_large": lambda: [10**1000],
    "image": lambda: ImageContent(type="image", data="AA==", mime_type="image/png"),
    "no_base64": lambda: ImageContent(type="image", data="no base64", mime_type="image/png"),
    "mistyped": lambda: TextContent.model_construct(type="text", text=7),
    "list_as_structure": lambda: CallToolResult(content=[], structured_content=[1]),
    "nan_as_structure": lambda: CallToolResult(content=[], structured_content={"a": math.nan}),
}


def annotated(returns: Any, make: Callable[[], Any]) -> Any:
    def returning():  # type: ignore[no-untyped-def]
        """Return it."""
        return make()

    if returns is not None:
        returning.__annotations__["return"] = returns
    return returning


def prompting(make: Callable[[], Any]) -> Any:
    return lambda text="": make()


def completing(make: Callable[[], Any]) -> Any:
    return lambda typed: make()


for name, make in VALUES.items():
    tool(name=f"value_{name}")(annotated(None, make))
    resource(f"values://{name}", name=f"value_{name}")(annotated(None, make))
    prompt(name=f"value_{name}", complete={"text": completing(make)})(prompting(make))


# By what they are declared to return: (annotation, what they return).
DECLARED: dict[str, tuple[Any, Callable[[], Any]]] = {
    "float_nan": (float, lambda: math.nan),
    "floats_nan": (dict[str, list[float]], lambda: {"a": [math.nan]}),
    "reading_nan": (Reading, lambda: Reading(math.nan)),
    "readings_mistyped": (list[Reading], lambda: [Reading(1.0), Reading("x")]),  # type: ignore[arg-type]
    "int_text": (int, lambda: "x"),
    "row_lacking": (Row, lambda: {"name": "Ada"}),
    "row": (Row, lambda: {"name": _("Ada"), "age": 36}),
    "rows_declared": (list[dict[str, str]], lambda: people().values("subject")),
    "text_lazy": (str, lambda: _("Yes")),
    "text_surrogate": (str, lambda: "\udc80"),
    "texts_lazy": (list[str], lambda: [_("Yes"), "No"]),
    "account": (Account, lambda: Account(owner="Ada", balance=1.5)),
    "account_constructed": (Account, lambda: Account.model_construct(owner=_("Ada"), balance="x")),
    "numbers": (Numbers, lambda: Numbers([1, 2])),
    "decimal_declared": (Decimal, lambda: Decimal("1E+2")),
    "decimals": (list[Decimal], lambda: [Decimal("1E+2")]),
    "naive_declared": (list[datetime], lambda: [datetime(2026, 1, 1)]),
    "durations": (list[timedelta], lambda: [timedelta(seconds=0.5)]),
    "maybe": (str | None, lambda: None),
    "bytes_declared": (bytes, lambda: b"\xff"),
    "maybe_bytes": (bytes | None, lambda: b"\xff"),
    "at_least": (Annotated[int, Field(ge=0)], lambda: 2**70),
    "below_zero": (Annotated[int, Field(ge=0)], lambda: -1),
    "lying_schema": (Annotated[str, Field(json_schema_extra={"enum": ["a"]})], lambda: "b"),
    "structure_declared": (
        Annotated[CallToolResult, Row],
        lambda: CallToolResult(content=[], structured_content={"name": "Ada", "age": 36}),
    ),
    "structure_missing": (Annotated[CallToolResult, Row], lambda: CallToolResult(content=[])),
    "structure_wrong": (
        Annotated[CallToolResult, Row],
        lambda: CallToolResult(content=[], structured_content={"name": "Ada"}),
    ),
}


for name, (returns, make) in DECLARED.items():
    tool(name=f"declared_{name}")(annotated(returns, make))


class Filter(BaseModel):
    """What is looked for."""

    text: str = Field(description=_("A text."), title=_("Text"))  # type: ignore[arg-type]  # as people write it


@tool(title=_("Odd"), description=_("An odd one."), annotations=ToolAnnotations(read_only_hint=True))  # type: ignore[arg-type]
def lazily_described(
    text: Annotated[str, Field(description=_("What it is about."), title=_("Text"))],  # type: ignore[arg-type]
    looked_for: Filter,
    mood: str = _("good"),  # type: ignore[assignment]
    limit: float = math.nan,
    limits: list[float] = [math.inf],  # noqa: B006
    most: int = 2**70,
    since: datetime = datetime(2026, 1, 1),
    name: str = "\udc80",
    kind: object = object(),  # noqa: B008
) -> Annotated[str, Field(description=_("What comes of it."))]:  # type: ignore[arg-type]
    return "described"


def documented() -> str:
    return "documented"


documented.__doc__ = _("By a lazy text.")  # type: ignore[assignment]
tool(documented)
resource("values://lazily", name="lazily", title=_("Odd"), description=_("An odd one."))(documented)  # type: ignore[arg-type]


@prompt(title=_("Odd"), description=_("An odd one."), complete={"tone": [_("friendly"), _("firm")]})  # type: ignore[arg-type, list-item]
def lazily_prompted(tone: Annotated[str, Field(description=_("The tone."))] = "firm") -> str:  # type: ignore[arg-type]
    return tone


COMPLETIONS: dict[str, Callable[[], Any]] = {
    "numbers": lambda: [1, 2],
    "enums": lambda: [Color.RED],
    "one_text": lambda: "alone",
    "nothing": lambda: None,
    "many": lambda: map(str, range(250)),
    "too_many": lambda: Completion(values=["x"] * 150),
    "no_texts": lambda: [{"a": 1}],
    "a_number": lambda: 5,
}
for name, make in COMPLETIONS.items():
    prompt(name=f"completes_{name}", complete={"text": completing(make)})(prompting(str))
