"""Reads what Python says of a function that is to be offered: its names, where it stands, and its parameters."""

import inspect
import os
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace, UnionType
from typing import Annotated, Any, ClassVar, Final, Union, get_args, get_origin, get_type_hints

from django.utils.functional import Promise

from tools_app.call import Call

_NOT_ITS_PLACE = frozenset({__name__.partition(".")[0], "contextlib"})
# Names of what other frameworks fill in. Here a caller would.
_INJECTED = frozenset({"Depends", "Security", "Resolve", "Inject", "Provide", "FromDishka", "Provided"})
_VALUES = (str, bytes, int, float, list, tuple, dict, set, frozenset)
_OTHER_SERVERS = ("mcp.", "fastmcp.")


class Unfit(ValueError):
    """A function cannot be offered as it is; the message says why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters that callers send arguments for, the one that takes the ``Call``, and the annotated result."""

    parameters: tuple[inspect.Parameter, ...]
    call: str | None
    returns: Any


def plain(function: Any) -> Callable[..., Any]:
    """The function itself, out of a ``staticmethod``.

    Raises:
        Unfit: it is nothing that can be called, or a class.
    """
    inner: Callable[..., Any] = function.__func__ if isinstance(function, staticmethod) else function
    if isinstance(inner, type):
        raise Unfit("It is a class. Write a function that makes what is to be returned.")
    if not callable(inner):
        kind = type(inner).__name__
        raise Unfit(
            f"It is of the type {kind}, and no function. Offer a function, or a bound method: tool(shop.open_orders)."
        )
    return inner


def name_of(function: Any) -> str:
    """Its own name; that of its class where it is an object that can be called."""
    inner = innermost(function)
    return str(getattr(inner, "__name__", type(inner).__name__))


def documentation_of(function: Any) -> str:
    said: Any = getattr(innermost(function), "__doc__", None)
    return str(said) if isinstance(said, Promise) else inspect.getdoc(innermost(function)) or ""


def module_of(function: Any) -> str:
    return str(getattr(innermost(function), "__module__", None) or "")


def is_async_callable(function: Any) -> bool:
    """Whether it runs on the event loop: an async function, also one that yields, or an object whose call is one."""
    inner = innermost(function)
    asks = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return any(is_async(one) for is_async in asks for one in (inner, type(inner).__call__))


def innermost(function: Any) -> Any:
    """What is within partials and static methods; decorators stay around it."""
    while isinstance(function, partial | staticmethod):
        function = function.func if isinstance(function, partial) else function.__func__
    return function


def place_of(function: Any) -> str:
    """File and line of a function, or of the line that offers it where it has none of its own."""
    inner = inspect.unwrap(innermost(function)) if callable(function) else function
    code = getattr(inner, "__code__", None)
    if code is not None:
        return f"{_shown(code.co_filename)}:{code.co_firstlineno}"
    frame = sys._getframe()
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _NOT_ITS_PLACE:
        frame = frame.f_back
    return f"{_shown(frame.f_code.co_filename)}:{frame.f_lineno}"


def _shown(path: str) -> str:
    here = os.path.join(os.getcwd(), "")
    return path.removeprefix(here)


def signature_of(function: Callable[..., Any]) -> Signature:
    """What callers send, and what the server fills in. What a ``partial`` has bound by name is no caller's to send.

    Raises:
        Unfit: a parameter cannot come from a caller, or the signature cannot be read.
    """
    read = _read(function)
    bound: Collection[str] = function.keywords if isinstance(function, partial) else ()
    parameters = [one for name, one in read.parameters.items() if name not in bound]
    _check_kinds(function, parameters)
    calls = [one.name for one in parameters if _is_call(one.annotation)]
    if len(calls) > 1:
        raise Unfit(f"{' and '.join(map(repr, calls))} are both annotated Call. One is enough.")
    for one in parameters:
        if one.name not in calls:
            _check_annotation(one)
    _check_decorators(function, parameters)
    sent = tuple(one for one in parameters if one.name not in calls)
    return Signature(sent, calls[0] if calls else None, read.return_annotation)


def _read(function: Callable[..., Any]) -> inspect.Signature:
    """Its signature, with annotations that were written as texts read."""
    try:
        unread = inspect.signature(function)
    except (ValueError, TypeError):
        raise Unfit("Python knows no signature of it. Write a function with type hints that calls it.") from None
    names = _names_known_to(function)
    parameters = [
        one.replace(annotation=_evaluated(f"{one.name!r} is annotated", one.annotation, names))
        for one in unread.parameters.values()
    ]
    returns = _evaluated("Its result is annotated", unread.return_annotation, names)
    return unread.replace(parameters=parameters, return_annotation=returns)


def _names_known_to(function: Any) -> dict[str, Any]:
    inner = inspect.unwrap(innermost(function))
    code = inner if hasattr(inner, "__globals__") else inspect.unwrap(type(inner).__call__)
    return getattr(code, "__globals__", {})


def _evaluated(whose: str, annotation: Any, names: dict[str, Any]) -> Any:
    if annotation is inspect.Parameter.empty:
        return annotation
    try:
        annotation = get_type_hints(SimpleNamespace(__annotations__={"it": annotation}), names, include_extras=True)[
            "it"
        ]
    except NameError as error:
        raise Unfit(
            f"{whose} with {error.name}, which is not known when the module is imported. Import it outside of "
            "'if TYPE_CHECKING:', or define it above the function, at the module's top level."
        ) from None
    except Exception as error:  # noqa: BLE001  (an annotation is an expression, and may raise anything)
        raise Unfit(f"{whose} with what cannot be read ({first_line(error)}). Write a type.") from None
    if isinstance(annotation, _VALUES):
        raise Unfit(f"{whose} {written(annotation)}, which is no type. Write a type, such as str or int.")
    return annotation


def first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"


def _check_kinds(function: Callable[..., Any], parameters: list[inspect.Parameter]) -> None:
    for one in parameters:
        match one.kind:
            case inspect.Parameter.VAR_POSITIONAL:
                raise Unfit(
                    f"It takes *{one.name}, and callers send arguments by name. Write out its parameters, or take a "
                    f"list: {one.name}: list[str]."
                )
            case inspect.Parameter.VAR_KEYWORD:
                raise Unfit(
                    f"It takes **{one.name}, and callers have to be told which arguments there are. Write out its "
                    f"parameters, or take an object: {one.name}: dict[str, Any]."
                )
            case inspect.Parameter.POSITIONAL_ONLY:
                raise Unfit(
                    f"{one.name!r} is taken by its position only, and callers send arguments by name. Take out the "
                    "'/', or write a function with type hints that calls it."
                )
    if hasattr(function, "dispatch") and hasattr(function, "register"):
        raise Unfit("It is a singledispatch function, which takes its first argument by position. Offer one around it.")
    if parameters and parameters[0].name in ("self", "cls") and _is_unbound(innermost(function)):
        raise Unfit(
            f"It is a method, and nobody sends {parameters[0].name!r}. Offer it of an object, outside of the class: "
            f"tool(Orders().{name_of(function)})."
        )


def _is_unbound(function: Callable[..., Any]) -> bool:
    within = getattr(function, "__qualname__", "").rpartition(".")[0]
    return inspect.isfunction(function) and within != "" and not within.endswith("<locals>")


def _is_call(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_call(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        others = [one for one in get_args(annotation) if one is not type(None)]
        return len(others) == 1 and _is_call(others[0])
    return annotation is Call


def _check_annotation(parameter: inspect.Parameter) -> None:
    if (get_origin(parameter.annotation) or parameter.annotation) in (Final, ClassVar):
        raise Unfit(f"{parameter.name!r} is annotated {written(parameter.annotation)}. Write the type alone.")
    for part in (parameter.default, *_parts(parameter.annotation)):
        if part is Call:
            raise Unfit(f"{parameter.name!r} has a Call within another type. Annotate one parameter with Call itself.")
        kind = part if isinstance(part, type) else type(part)
        if kind.__name__ == "Context" and kind.__module__.startswith(_OTHER_SERVERS):
            raise Unfit(
                f"{parameter.name!r} is annotated with the Context of another server. Write {parameter.name}: Call, "
                "from tools_app.call."
            )
        if kind.__name__ in _INJECTED and kind is not part:
            raise Unfit(
                f"{parameter.name!r} has {kind.__name__}(...), which nothing fills in here: callers would. Call that "
                "function within this one."
            )


def _parts(annotation: Any) -> Iterator[Any]:
    """An annotation, the types within it, and what ``Annotated`` says beside them."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def written(annotation: Any) -> str:
    return (repr(annotation) if isinstance(annotation, _VALUES) else inspect.formatannotation(annotation))[:200]


def _check_decorators(function: Callable[..., Any], parameters: list[inspect.Parameter]) -> None:
    """A decorator that uses ``functools.wraps`` shows the signature of what is within it, which it need not take."""
    if not hasattr(function, "__wrapped__"):
        return
    try:
        taken = inspect.signature(function, follow_wrapped=False)
    except (ValueError, TypeError):
        return
    try:
        taken.bind(**{one.name: None for one in parameters})
    except TypeError as error:
        raise Unfit(
            f"Its decorator does not take what its signature says ({error}). Let the decorator take *args and **kwargs "
            "and pass them on, or offer a function without it."
        ) from None
