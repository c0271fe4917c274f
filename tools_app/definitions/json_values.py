"""Makes plain JSON values of what Python and Django have, or says which part cannot be one, and what would do."""

import inspect
import math
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, Set, ValuesView
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from typing import Any

import orjson
from django.db.models import Manager, Model, QuerySet
from django.db.models.query import ModelIterable, RawQuerySet
from django.utils.functional import LazyObject, Promise
from pydantic import BaseModel
from pydantic_core import to_json, to_jsonable_python

_DEEPEST = 254  # orjson and pydantic write nothing that is nested deeper.
_MOST_SEARCHED = 100_000
_MAX_PATH = 200
_TOO_LONG = 10**1_000
Path = tuple[str | int, ...]


class NotJson(ValueError):
    """A value is no JSON. The message says what it is, at which path, and what to write instead; it quotes no value."""

    def __init__(self, what: str, instead: str, path: Path = ()) -> None:
        shown = ".".join(map(str, path))[:_MAX_PATH].encode("utf-8", "replace").decode()
        where = f" at {shown}" if path else ""
        super().__init__(f"{what}{where} is no JSON. {instead}")


class _Unknown(Exception):
    """Carries a value that has no JSON form."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def json_of(value: Any, dump: Callable[..., Any] = to_jsonable_python) -> Any:
    """A plain copy of a value, in which only numbers that are not finite and lone surrogates may still be no JSON.

    ``dump`` may be another function of pydantic's that takes ``by_alias`` and ``fallback``.

    Raises:
        NotJson: some part has no JSON form.
    """
    try:
        return dump(value, by_alias=True, fallback=known)
    except _Unknown as unknown:
        raise NotJson(_named(unknown.value), _instead_of(unknown.value), _path_to(value, unknown.value)) from None
    except UnicodeDecodeError as error:
        raise NotJson("Bytes that are no UTF-8", _BASE64, _path_to(value, error.object)) from None
    except UnicodeEncodeError:
        raise NotJson("A name with half of a surrogate pair", _REPLACED) from None
    except (RecursionError, TypeError, ValueError) as error:
        raise _of_pydantics_own(error) or error from None


def _of_pydantics_own(error: Exception) -> NotJson | None:
    """The words for an error that pydantic raises by itself; None for one of the function's own."""
    if isinstance(error, RecursionError) or "serialization depth" in str(error):
        return NotJson(*_TOO_DEEP)
    if "Circular reference" in str(error):
        return NotJson("A value that contains itself", "Return a tree: each thing by its id, for example.")
    if "not valid as object key" in str(error):
        return NotJson("A dict whose keys are no texts", "Return one with texts for keys.")
    return None


def check_is_json(value: Any) -> None:
    """Look for what is no JSON in a plain value.

    Raises:
        NotJson: there is a number that is not finite or too long, a lone surrogate, or too deep nesting.
    """
    for path, item in _parts(value):
        if isinstance(item, int) and abs(item) >= _TOO_LONG:
            raise NotJson("An integer of more than 1,000 digits", "Return it as a text.", path)
        if isinstance(item, float) and not math.isfinite(item):
            raise NotJson("NaN" if math.isnan(item) else "Infinity", "Return None, or leave it out.", path)
        texts = [item] if isinstance(item, str) else item if isinstance(item, dict) else ()
        if not all(text.isascii() or is_unicode(text) for text in texts):
            raise NotJson("A text with half of a surrogate pair", _REPLACED, path)


def written(value: Any, *, indent: bool = True) -> str:
    """A plain value as JSON.

    Raises:
        NotJson: some part is no JSON.
    """
    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0)
    except TypeError:
        check_is_json(value)
        return to_json(
            value, indent=2 if indent else None
        ).decode()  # It has an integer beyond 64 bits, which orjson does not write.
    if b"null" in text:  # So orjson writes what is not finite, too.
        check_is_json(value)
    return text.decode()


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8: it has no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def known(value: Any) -> Any:
    """What a value of Django's, of numpy's and the like stands for, where pydantic does not know it.

    Raises:
        _Unknown: it stands for nothing that JSON has.
    """
    if isinstance(value, Promise | str):
        return str(value)
    if issubclass(type(value), LazyObject):
        return value.__reduce__()[1][0]
    if isinstance(value, QuerySet) and not issubclass(value._iterable_class, ModelIterable):
        return list(value)
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(type(value), "tolist"):
        return value.tolist()
    if isinstance(value, Sequence | Set | KeysView | ValuesView | ItemsView):
        return list(value)
    if isinstance(value, Integral | Real):
        return int(value) if isinstance(value, Integral) else float(value)
    if (attributes := getattr(type(value), "__attrs_attrs__", None)) is not None:
        return {attribute.name: getattr(value, attribute.name) for attribute in attributes}
    raise _Unknown(value)


def plain(value: Any, depth: int = 0) -> Any:
    """A copy in which lazy texts are texts, and the rows of a QuerySet a list. Everything else stays what it is."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, Promise | QuerySet | Integral | Real | memoryview) or hasattr(type(value), "tolist"):
        try:
            return value if isinstance(value, int | float) else plain(known(value), depth + 1)
        except _Unknown:
            return value
    if isinstance(value, dict):
        return {plain(name, depth + 1): plain(item, depth + 1) for name, item in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(plain(item, depth + 1) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), depth + 1) for field in fields(value)}
    return value


_BASE64 = "Return a text (base64.b64encode(...).decode(), for example), or the bytes alone, as the whole result."
_REPLACED = "Return a text that can be written as UTF-8: text.encode('utf-8', 'replace').decode()."
_TOO_DEEP = "A value that is nested too deeply", f"Return at most {_DEEPEST} levels of it."
_OTHERWISE = "Return texts, numbers, booleans, None, lists, dicts, dataclasses or pydantic models."


def _named(value: Any) -> str:
    return f"A value of the type {type(value).__qualname__[:100]}"


def _instead_of(value: Any) -> str:
    if isinstance(value, Model | QuerySet | Manager | RawQuerySet):
        return instead_of_model(value.__class__ if isinstance(value, Model) else value.model)
    if inspect.iscoroutine(value):
        value.close()
        return "Await it, and return what it gives."
    return _OTHERWISE


def instead_of_model(model: Any) -> str:
    """What to return in place of a model's instances: their fields may hold what callers must not see."""
    return (
        f"Return a dict of what callers may see, or a list of such: {model.__name__}.objects.values('id', ...) gives"
        " them, with the fields that are named."
    )


def _path_to(value: Any, culprit: Any) -> Path:
    """The path of a part. Of bytes pydantic names a copy."""
    parts = _parts(value)
    return next((path for path, item in parts if item is culprit or (type(item) is bytes and item == culprit)), ())


def _parts(value: Any) -> Iterator[tuple[Path, Any]]:
    """Every part of a value with its path, as far as they can be gone through; not more than 100,000.

    Raises:
        NotJson: it is nested too deeply.
    """
    waiting: list[tuple[Path, Any]] = [((), value)]
    for _ in range(_MOST_SEARCHED):
        if not waiting:
            return
        path, item = waiting.pop()
        yield path, item
        if len(path) > _DEEPEST:
            raise NotJson(*_TOO_DEEP)
        waiting.extend([((*path, name), inner) for name, inner in _items(item)][::-1])


def _items(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from ((name if isinstance(name, int) else str(name), item) for name, item in value.items())
    elif isinstance(value, list | tuple | set | frozenset):
        yield from enumerate(value)
    elif isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        yield from getattr(value, "__dict__", {}).items()
