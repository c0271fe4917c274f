"""Makes a field for pydantic of each parameter: by which name it is sent, and of which type."""

import inspect
from collections.abc import Generator, Iterable
from typing import Annotated, Any, Optional, get_args, get_origin

from pydantic import Field, TypeAdapter, ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo

from tools_app.definitions.functions import Unfit, written

_EMPTY = inspect.Parameter.empty


def alias_of(parameter: inspect.Parameter) -> str | None:
    """The name that callers know a parameter by, if it has another one than for the function."""
    said = [one for one in (*_said_beside(parameter.annotation), parameter.default) if isinstance(one, FieldInfo)]
    aliases = [one.validation_alias or one.alias for one in said]
    alias = next((one for one in reversed(aliases) if one is not None), None)
    if alias is not None and not isinstance(alias, str):
        raise Unfit(f"{parameter.name!r} has several aliases. Give it one: Field(alias='...').")
    return alias


def _said_beside(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def field_of(parameter: inspect.Parameter, alias: str) -> Any:
    """What pydantic takes as a field that callers know by this alias."""
    said = Field(alias=alias, validation_alias=alias)
    if parameter.default is _EMPTY:
        return Annotated[_annotation(parameter), said]
    return Annotated[_annotation(parameter), said], parameter.default


def _annotation(parameter: inspect.Parameter) -> Any:
    annotation = parameter.annotation
    if annotation is _EMPTY:
        # Models that call tools want a type, and a text is what may be anything.
        is_text = parameter.default is _EMPTY or isinstance(parameter.default, str)
        kind = {"type": "string"} if is_text else {}
        return Annotated[Any, WithJsonSchema({"title": parameter.name, **kind})]
    if get_origin(annotation) is Generator:
        raise Unfit(f"{parameter.name!r} is annotated {written(annotation)}. Take a list.")
    if get_origin(annotation) is Iterable:
        # Pydantic would check the items of an Iterable only while the function takes them.
        return list[get_args(annotation)]  # type: ignore[misc]  # it has one
    return annotation if parameter.default is not None or _takes_none(annotation) else _or_none(annotation)


def _takes_none(annotation: Any) -> bool:
    try:
        TypeAdapter(annotation).validate_python(None)
    except ValidationError:
        return False
    except Exception:  # noqa: BLE001  (what is no type is refused where it is named)
        return True
    return True


def _or_none(annotation: Any) -> Any:
    """``x: int = None`` takes none, as everybody who writes it means."""
    if get_origin(annotation) is Annotated:
        return Annotated[(Optional[get_args(annotation)[0]], *_said_beside(annotation))]  # noqa: UP045  (the same)
    return Optional[annotation]  # noqa: UP045  (of a type that is known when this runs)
