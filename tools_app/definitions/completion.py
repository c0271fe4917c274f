"""Completes the arguments of prompts, and the variables of resources' URIs, while a person types them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_types import CompleteResult, ErrorData

from tools_app.definitions.functions import Unfit, is_async_callable, plain, signature_of
from tools_app.definitions.results import completion_result, result_of

# By argument: the values to choose from, or a function of the text so far and, if it takes two, the other arguments.
Complete = Mapping[str, Iterable[str] | Callable[..., Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Completer:
    """Completes one argument.

    ``parameters`` are the names of the function's: the text typed so far and, if it takes two, the other arguments.
    """

    name: str
    function: Callable[..., Any]
    is_async: bool
    call_parameter: str | None
    parameters: tuple[str, ...]
    time_limit: float | None

    def accept(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(self.parameters, (arguments["value"], arguments["others"]), strict=False))

    def answer(self, value: Any, uri: str) -> CompleteResult:
        with result_of(f"the completion for {self.name}"):
            return completion_result(value)

    def failure(self, text: str, code: int) -> ErrorData:
        return ErrorData(code=code, message=text)


def completers(
    name: str, complete: Complete | None, arguments: Collection[str], time_limit: float | None
) -> dict[str, Completer]:
    """The completers of the prompt or resource ``name``, by argument; one that is not given completes nothing.

    Raises:
        ValueError: there is no such argument, or a function takes neither one nor two parameters.
    """
    if unknown := sorted(set(complete or ()) - set(arguments)):
        raise Unfit(f"{name!r} has no argument {unknown[0]!r} to complete.")
    return {argument: _completer(name, (complete or {}).get(argument, ()), time_limit) for argument in arguments}


def _completer(name: str, complete: Iterable[str] | Callable[..., Any], time_limit: float | None) -> Completer:
    function = plain(complete) if callable(complete) else _among(tuple(complete))
    signature = signature_of(function)
    parameters = tuple(parameter.name for parameter in signature.parameters)
    if len(parameters) not in (1, 2):
        raise Unfit(f"What completes an argument of {name!r} takes the text so far, and perhaps the others.")
    return Completer(name, function, is_async_callable(function), signature.call, parameters, time_limit)


def completing_nothing(name: str) -> Completer:
    """The completer of an argument that nobody described."""
    return Completer(name, _NOTHING, True, None, ("text",), None)


def _among(values: tuple[str, ...]) -> Callable[[str], Any]:
    async def beginning_with(text: str) -> list[str]:
        return [value for value in values if value.casefold().startswith(text.casefold())]

    return beginning_with


_NOTHING = _among(())
