"""Generates functions: parameters and results of types that people write, and some that nobody should."""

import collections
import dataclasses
import math
import string
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from functools import partial
from pathlib import Path
from random import Random
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import typing_extensions
from django.http import HttpRequest
from pydantic import Field, create_model

from tools_app.call import Call
from tools_app.errors import ToolFailure

Value = Callable[[], Any]


class Standard(typing.TypedDict):
    a: int


NAMES = (
    "a", "b", "text", "model_config", "json", "schema", "copy", "self_", "_private", "cls", "type", "class_", "dict",
    "model_dump", "äöü", "field_0", "x1", "name", "arguments", "values",
)  # fmt: skip
MOST = 200
MAYBE: Any = typing.Optional
EITHER: Any = typing.Union
# No type of these can come from a caller.
UNFIT: tuple[Any, ...] = (Callable[[int], int], HttpRequest, 5, "Missing", [int], object, type[int], Standard)


# How a function is written, and what its result is annotated as then.
FORMS: tuple[tuple[str, Any], ...] = (
    ("def {name}({parameters}): return body()", None),
    ("async def {name}({parameters}): return body()", None),
    ("def {name}({parameters}): yield body(); yield body()", collections.abc.Iterator),
    ("async def {name}({parameters}): yield body(); yield body()", collections.abc.AsyncIterator),
    ("def {name}({parameters}): return later(body)", collections.abc.Awaitable),
)
# What a function may raise, though it would end a process, a task or a loop.
ENDS: tuple[type[BaseException], ...] = (SystemExit, KeyboardInterrupt, GeneratorExit, BaseException)


class Kind(NamedTuple):
    """A type, and what makes a value of it."""

    annotation: Any
    value: Value


class Generated:
    """Generates one function after the other, the same ones from the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._made = 0

    def function(self, number: int) -> Callable[..., Any]:
        random = self._random
        returns = self._kind(3)
        fate = random.choices(["ok", "fails", "strays", "untyped"], [76, 10, 8, 6])[0]
        body = {"fails": self._failure(), "strays": self._kind(2).value}.get(fate, returns.value)
        name = f"generated_{number}_{fate}"
        parameters, annotations, defaults = self._parameters()
        scope: dict[str, Any] = {"body": body, "defaults": defaults, "__name__": __name__, "later": _later}
        form, annotated = random.choices(FORMS, [50, 25, 8, 8, 9])[0]
        exec(form.format(name=name, parameters=", ".join(parameters)), scope)
        made: Callable[..., Any] = scope[name]
        if fate != "untyped":
            annotations["return"] = returns.annotation if annotated is None else annotated[returns.annotation]
        made.__annotations__ = annotations
        made.__doc__ = random.choice([None, "", "  One line.", "First.\n\n        Odd\n  indentation.\n", "é\u2028"])
        return made

    def _parameters(self) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        random = self._random
        names = random.sample(NAMES, random.choice([0, 1, 1, 2, 2, 3, 5]))
        written: list[str] = []
        annotations: dict[str, Any] = {}
        defaults: dict[str, Any] = {}
        form = random.choices(["", "*", "*others", "**others", "/"], [72, 20, 3, 3, 2])[0] if names else ""
        for name in names:
            kind = self._kind(3)
            annotations[name] = random.choice(UNFIT) if random.random() < 0.03 else kind.annotation
            if random.random() < 0.07:
                del annotations[name]
            if random.random() < 0.4 or (written and "=" in written[-1] and form != "*"):
                defaults[name] = self._default(kind)
                written.append(f"{name}=defaults[{name!r}]")
            else:
                written.append(name)
        if random.random() < 0.15:
            annotations["call"] = random.choice([Call, Call | None, Annotated[Call, "x"]])
            written.append("call=None" if written and "=" in written[-1] else "call")
        before, after = ([form], []) if form == "*" else ([], [form] if form else [])
        return [*before, *written, *after], annotations, defaults

    def _default(self, kind: Kind) -> Any:
        choices: list[Value] = [kind.value, lambda: None, object, lambda: math.nan, lambda: "x", lambda: Field(None)]
        return self._random.choices(choices, [60, 20, 5, 5, 5, 5])[0]()

    def _failure(self) -> Value:
        expected = [ValueError("no"), ToolFailure("No such order."), KeyError("x"), ZeroDivisionError()]
        error = self._random.choice([*expected, *(end(2) for end in ENDS)])
        return partial(_raise, error)

    def _kind(self, depth: int) -> Kind:
        makers = [self._scalar] * 3 + ([self._composed] * 4 if depth else [])
        return self._random.choice(makers)(depth)

    def _scalar(self, depth: int) -> Kind:
        random = self._random
        word = "".join(random.choices(string.printable + "é€", k=5))
        return random.choice(
            [
                Kind(str, lambda: word),
                Kind(int, lambda: random.randint(-(2**60), 2**60)),
                Kind(bool, lambda: random.random() < 0.5),
                Kind(float, lambda: random.choice([0.5, -1e300, 3.0, 7])),
                Kind(None, lambda: None),
                Kind(Any, lambda: random.choice([word, 1, None, [1], {"a": 1.5}])),
                Kind(Decimal, lambda: Decimal("12.30")),
                Kind(date, lambda: date(2026, 12, 1)),
                Kind(datetime, lambda: datetime(2026, 12, 1, 2, 3, tzinfo=UTC)),
                Kind(time, lambda: time(1, 2, 3)),
                Kind(timedelta, lambda: timedelta(days=1, seconds=2)),
                Kind(UUID, lambda: UUID(int=7)),
                Kind(Path, lambda: Path("/a/b")),
                Kind(Annotated[int, Field(ge=1, le=9, description="Few.")], lambda: 5),
                Kind(Annotated[str, Field(min_length=2, max_length=4)], lambda: "abc"),
                Kind(Annotated[float, Field(gt=0, lt=1)], lambda: 0.25),
                self._enumeration(),
                self._literal(),
            ]
        )

    def _enumeration(self) -> Kind:
        base, values = self._random.choice([(StrEnum, ["a", "b c"]), (IntEnum, [1, 2]), (Enum, ["x", 5, None])])
        made: Any = base(self._named("Choice"), {f"M{at}": value for at, value in enumerate(values)})
        return Kind(made, lambda: next(iter(made)))

    def _literal(self) -> Kind:
        values = self._random.choice([("a", "b"), (1, 2), ("a", 1, None), (True,), ("null", "1")])
        return Kind(typing.Literal[values], lambda: values[0])

    def _composed(self, depth: int) -> Kind:
        one, other = self._kind(depth - 1), self._kind(depth - 1)
        random = self._random
        makers: list[Callable[[], Kind]] = [
            lambda: Kind(list[one.annotation], lambda: [one.value() for _ in range(random.randrange(3))]),  # type: ignore[name-defined]
            lambda: Kind(dict[str, one.annotation], lambda: {"k é": one.value()}),  # type: ignore[name-defined]
            lambda: Kind(tuple[one.annotation, other.annotation], lambda: (one.value(), other.value())),  # type: ignore[name-defined]
            lambda: Kind(tuple[one.annotation, ...], lambda: (one.value(),)),  # type: ignore[name-defined]
            lambda: Kind(MAYBE[one.annotation], lambda: random.choice([None, one.value()])),
            lambda: Kind(EITHER[one.annotation, other.annotation], lambda: random.choice([one, other]).value()),
            lambda: Kind(Annotated[one.annotation, Field(description="Described.", title="Titled")], one.value),
            lambda: Kind(collections.abc.Sequence[one.annotation], lambda: [one.value()]),  # type: ignore[name-defined]
            lambda: Kind(dict[int, one.annotation], lambda: {3: one.value()}),  # type: ignore[name-defined]
            lambda: Kind(set[str], lambda: {"x"}),
            lambda: Kind(frozenset[int], lambda: frozenset({1})),
            lambda: Kind(list, lambda: [1, "a"]),
            lambda: Kind(dict, lambda: {"a": [None]}),
            lambda: self._model(one, other),
            lambda: self._model(one, other),
            lambda: self._dataclass(one, other),
            lambda: self._typed_dict(one, other),
            lambda: self._tree(one),
        ]
        return random.choice(makers)()

    def _model(self, one: Kind, other: Kind) -> Kind:
        made: Any = create_model(
            self._named("Model"),
            first=(one.annotation, ...),
            second=(MAYBE[other.annotation], None),
            third=(int, Field(3, alias="thirdOne", description="By another name.")),
        )
        return Kind(made, lambda: made(first=one.value(), second=other.value(), thirdOne=4))

    def _dataclass(self, one: Kind, other: Kind) -> Kind:
        fields: Any = [("first", one.annotation), ("second", MAYBE[other.annotation], None)]
        made: Any = dataclasses.make_dataclass(self._named("Data"), fields)
        return Kind(made, lambda: made(one.value(), other.value()))

    def _typed_dict(self, one: Kind, other: Kind) -> Kind:
        fields = {"first": one.annotation, "second": other.annotation}
        made = typing_extensions.TypedDict(self._named("Dict"), fields)  # type: ignore[misc, operator]
        return Kind(made, lambda: {"first": one.value(), "second": other.value()})

    def _tree(self, one: Kind) -> Kind:
        name = self._named("Tree")
        made: Any = create_model(name, at=(one.annotation, ...), below=(list[name], []))  # type: ignore[valid-type]
        made.model_rebuild(_types_namespace={name: made})
        return Kind(made, lambda: made(at=one.value(), below=[made(at=one.value())]))

    def _named(self, what: str) -> str:
        self._made += 1
        return f"{what}{self._made}"


async def _later(body: Value) -> Any:
    return body()


def _raise(error: BaseException) -> Any:
    raise error
