"""Describes the arguments of a function to callers, and reads what they send."""

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import InitErrorDetails, PydanticCustomError, to_json

from tools_app.definitions.argument_fields import alias_of, field_of
from tools_app.definitions.functions import Unfit, written
from tools_app.definitions.json_schema import SchemaWriter, inlined
from tools_app.definitions.json_texts import TextReader, TextReaders

_LONGEST = 240
_NOT_VALIDATED = frozenset({"metadata", "serialization", "default"})


class _Model(BaseModel):
    # No JSON is infinite; a number that is too large for a float would become so.
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _ModelOfAnyClass(_Model):
    model_config = ConfigDict(arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True, eq=False)
class Arguments:
    """What a function takes. ``schema`` is what callers are told; ``names`` has the parameter of each argument.

    ``is_exact``: JSON values are taken as the schema has them, and never converted to another of JSON's types.
    """

    schema: dict[str, Any]
    names: Mapping[str, str]
    model: type[BaseModel]
    is_exact: bool
    readers: Mapping[str, TextReader]

    @property
    def properties(self) -> Mapping[str, Any]:
        return self.schema.get("properties") or {}

    @property
    def required(self) -> Collection[str]:
        return self.schema.get("required") or ()

    def schema_with(self, *, extra: bool) -> dict[str, Any]:
        """The schema, which says that other arguments are refused, unless they are not."""
        return {key: value for key, value in self.schema.items() if not (extra and key == "additionalProperties")}

    def read(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The arguments with those read that were sent as texts, where the schema takes no text."""
        if not self.readers:
            return sent
        return {name: self.readers[name].read(value) if name in self.readers else value for name, value in sent.items()}

    def accept(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The function's keyword arguments. Raises pydantic's ValidationError."""
        if not arguments.keys() <= self.names.keys():
            raise self._unknown(arguments)
        if self.is_exact:
            accepted = self.model.model_validate_json(to_json(arguments), strict=True)
        else:
            accepted = self.model.model_validate(arguments)
        return dict(zip(self.names.values(), accepted.__dict__.values(), strict=True))

    def _unknown(self, arguments: Mapping[str, Any]) -> ValidationError:
        known = ", ".join(self.names)[:_LONGEST] or "it takes none"
        first = PydanticCustomError("unknown", "there is no such argument (known: {known})", {"known": known})
        other = PydanticCustomError("unknown", "there is no such argument")
        unknown = [name for name in arguments if name not in self.names]
        errors = zip(unknown, [first, *[other] * len(unknown)], strict=False)
        return ValidationError.from_exception_data(
            "arguments", [InitErrorDetails(type=error, loc=(name,), input=None) for name, error in errors]
        )


def arguments_of(name: str, parameters: Collection[inspect.Parameter], *, of_texts: bool = False) -> Arguments:
    """Describe the arguments for the parameters of the function ``name``.

    ``of_texts``: callers send texts alone, from which numbers and the like are read.

    Raises:
        Unfit: a parameter is of a type that cannot come from a caller.
    """
    sent = [alias_of(one) or one.name for one in parameters]
    if twice := [one for one in sent if sent.count(one) > 1]:
        raise Unfit(f"Two parameters are sent as {twice[0]!r}. Give one of them another alias.")
    fields = {f"field_{at}": field_of(one, alias) for at, (one, alias) in enumerate(zip(parameters, sent, strict=True))}
    try:
        model: type[BaseModel] = create_model(f"{name}Arguments", __base__=_Model, **fields)
        schema = model.model_json_schema(by_alias=True, schema_generator=SchemaWriter)
    except Exception:  # noqa: BLE001  (types of other people describe themselves, and may raise anything)
        model, schema = _of_any_class(name, parameters, fields)
    names = {alias: one.name for alias, one in zip(sent, parameters, strict=True)}
    exact = not of_texts and not _takes_objects(model.__pydantic_core_schema__)
    arguments = Arguments(inlined(schema), names, model, exact, {} if of_texts else _readers(schema))
    _leave_out_wrong_defaults(arguments)
    return arguments


def _of_any_class(
    name: str, parameters: Collection[inspect.Parameter], fields: Mapping[str, Any]
) -> tuple[type[BaseModel], dict[str, Any]]:
    """The model where a class is not pydantic's: it takes one that says itself what it is read from."""
    for parameter, field in zip(parameters, fields.values(), strict=True):
        try:
            one: Any = create_model("one", __base__=_ModelOfAnyClass, field=field)
            one.model_json_schema(schema_generator=SchemaWriter)
        except Exception as error:  # noqa: BLE001  (as above)
            raise Unfit(_cannot_be_sent(parameter, error)) from None
    model: Any = create_model(f"{name}Arguments", __base__=_ModelOfAnyClass, **fields)
    return model, model.model_json_schema(by_alias=True, schema_generator=SchemaWriter)


def _cannot_be_sent(parameter: inspect.Parameter, error: Exception) -> str:
    what = f"{parameter.name!r} is annotated {written(parameter.annotation)}"
    if isinstance(error, PydanticUserError) and error.code in ("typed-dict-version", "class-not-fully-defined"):
        return f"{what}, which cannot be used yet: {str(error).partition(chr(10))[0]}"
    if isinstance(error, ImportError):
        return f"{what}, which needs something that is not installed: {str(error).partition(chr(10))[0]}"
    return (
        f"{what}, which no caller can send as JSON. Take what it can be made of, such as a text, a number, a list, a "
        "dict or a pydantic model, and make it in the function."
    )


def _leave_out_wrong_defaults(arguments: Arguments) -> None:
    """Take out each default that a caller could not send. Code of the author is not run for that."""
    if _has_validators(arguments.model.__pydantic_core_schema__):
        return
    for name, said in arguments.properties.items():
        if "default" in said and not _takes(arguments, name, said["default"]):
            del said["default"]


def _takes(arguments: Arguments, name: str, value: Any) -> bool:
    try:
        arguments.accept({name: value})
    except ValidationError as error:
        return all(one["loc"][:1] != (name,) for one in error.errors(include_input=False, include_context=False))
    except Exception:  # noqa: BLE001  (validators of other people may raise anything)
        return False
    return True


def _takes_objects(core: Any) -> bool:
    """Whether something has to be an instance of a class, which cannot be asked of what is read from JSON."""
    if isinstance(core, list | tuple):
        return any(map(_takes_objects, core))
    if not isinstance(core, dict):
        return False
    match core.get("type"):
        case "is-instance" | "is-subclass" | "callable":
            return True
        case "json-or-python":
            return _takes_objects(core["json_schema"])
        case "lax-or-strict":
            return _takes_objects(core["strict_schema"])
    return any(_takes_objects(part) for key, part in core.items() if key not in _NOT_VALIDATED)


def _has_validators(core: Any) -> bool:
    if isinstance(core, list | tuple):
        return any(map(_has_validators, core))
    if not isinstance(core, dict):
        return False
    kind = core.get("type")
    return (isinstance(kind, str) and kind.startswith("function-")) or any(
        _has_validators(part) for key, part in core.items() if key not in _NOT_VALIDATED
    )


def _readers(schema: Mapping[str, Any]) -> dict[str, TextReader]:
    readers = TextReaders(schema.get("$defs", {}))
    made = {name: readers.of(one) for name, one in schema.get("properties", {}).items()}
    return {name: reader for name, reader in made.items() if reader.has_work}
