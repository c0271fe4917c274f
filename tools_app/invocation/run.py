"""Runs one function to the end of its call: a plain one in a thread, an async one on the event loop."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from pydantic import ValidationError

from tools_app.errors import ArgumentsRefused
from tools_app.invocation.authors_code import accepting_runs_code, answering_runs_code, is_small_data, says_itself
from tools_app.invocation.call_end import CallEnd, Execution
from tools_app.invocation.collecting import collected, finished, is_unfinished
from tools_app.invocation.threads import CallThread

_MAX_ERRORS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the function of a call, up to its ``end``. Nothing that the function raises is raised here."""

    end: CallEnd

    def in_thread(self) -> Any:
        """Run a plain function, in this thread. Returns an ``Execution``, or what is to be finished on the loop."""
        try:
            value = self.end.runs.function(**self._accepted())
        except BaseException as error:  # noqa: BLE001  (the boundary: only its own call may suffer)
            return self.end.raised(error)
        return value if is_unfinished(value) else self._ending_with(value)()

    async def on_loop(self, thread: CallThread) -> Execution:
        """Run an async function. What it has of plain code runs in its ``thread``."""
        return await self.finish(self._called(thread), thread)

    async def finish(self, value: Any, thread: CallThread) -> Execution:
        """Wait for what comes of a value, and make the answer of it: in the thread, if that can take its time."""
        _use(thread)
        try:
            value = await finished(value, self.end.call, self.end.most)
        except BaseException as error:  # noqa: BLE001  (the boundary: only its own call may suffer)
            ending: Callable[[], Execution] = partial(self.end.raised, error)
            is_quick = not says_itself(error)
        else:
            ending = self._ending_with(value)
            is_quick = is_small_data(value) and not answering_runs_code(self.end.runs)
        try:
            return ending() if is_quick else await thread.run(ending)
        finally:
            thread.end()

    async def _called(self, thread: CallThread) -> Awaitable[Any]:
        is_slow = accepting_runs_code(self.end.runs)
        called: Awaitable[Any] = self.end.runs.function(
            **(await thread.run(self._accepted) if is_slow else self._accepted())
        )
        return called

    def _ending_with(self, value: Any) -> Callable[[], Execution]:
        return partial(self.end.after, partial(collected, value, self.end.call, self.end.most))

    def _accepted(self) -> dict[str, Any]:
        """The arguments of the function. Raises ArgumentsRefused."""
        runs = self.end.runs
        try:
            accepted = runs.accept(self.end.contents.request.arguments)
        except ValidationError as error:
            raise ArgumentsRefused(_argument_errors(runs.name, error)) from None
        if runs.call_parameter is not None:
            accepted[runs.call_parameter] = self.end.call
        return accepted


def _use(thread: CallThread) -> None:
    """Let ``sync_to_async``, and so Django, use this thread in the task that runs, and in those that it begins.

    As ``async with ThreadSensitiveContext(executor=thread)`` does (asgiref 3.13), at a tenth of its cost. It has no
    end: what a function leaves behind may go on.
    """
    context = ThreadSensitiveContext()
    SyncToAsync.context_to_thread_executor[context] = thread
    SyncToAsync.thread_sensitive_context.set(context)


def _argument_errors(name: str, error: ValidationError) -> str:
    """A sentence that tells a model which arguments to mend, and how. It repeats no values."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    errors = [f"{'.'.join(map(str, item['loc']))[:100] or 'arguments'}: {item['msg'][:300]}" for item in found]
    more = f"; and {len(errors) - _MAX_ERRORS_SHOWN} more" if len(errors) > _MAX_ERRORS_SHOWN else ""
    return f"The arguments do not fit {name}. {'; '.join(errors[:_MAX_ERRORS_SHOWN])}{more}."
