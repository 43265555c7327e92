"""Web tasks as functions: parameters, their types and the output's schema come from a function's signature."""

from __future__ import annotations

import asyncio
import functools
import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from pydantic import PydanticSchemaGenerationError, SecretStr, TypeAdapter, ValidationError

from engine.api.arguments import check_names
from engine.api.options import TaskOptions
from engine.errors import InvalidRequest
from engine.task.schema import OutputSchema
from engine.task.wire import TaskResult

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
OF_EACH_CALL = {
    "parameters": "they are those of the function",
    "reuse_key": "it is called key",
    "idempotency_key": "each call is a task of its own",
}
"""The options of a task that a function has not, with the reason."""


@dataclass(frozen=True)
class _Task:
    """A function's signature as a task.

    Args:
        text: The task in plain words.
        function: The function, of which nothing is executed.
        adapters: What checks each parameter and makes JSON of it.
        secrets: Names of the parameters of the type ``SecretStr``.
        returns: The type of the output; None where the function names none.
        options: Further arguments of each run.
    """

    text: str
    function: Callable[..., Any]
    signature: inspect.Signature
    adapters: Mapping[str, TypeAdapter[Any]]
    secrets: tuple[str, ...]
    returns: Any
    options: Mapping[str, Any]

    def arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a run for one call.

        Raises:
            TypeError: The call does not fit the signature.
            InvalidRequest: A value does not fit its parameter's type.
        """
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        parameters = {name: self._as_json(name, value) for name, value in bound.arguments.items()}
        given = dict(self.options)
        secrets = {*self.secrets, *(given.pop("secrets", None) or ())}
        schema = {} if self.returns is None else {"output_schema": self.returns}
        return {**given, **schema, "parameters": parameters, "secrets": sorted(secrets)}

    def _as_json(self, name: str, value: Any) -> Any:
        adapter = self.adapters[name]
        try:
            checked = adapter.validate_python(value)
        except ValidationError as error:
            problem = error.errors()[0]
            raise InvalidRequest(
                f"{self.function.__name__}({name}=…): {problem['msg']}, not {value!r}", field="parameters"
            ) from None
        return (
            checked.get_secret_value() if isinstance(checked, SecretStr) else adapter.dump_python(checked, mode="json")
        )


class TypedTask(Generic[P, R_co]):
    """A web task as a function; made by ``Engine.task``.

    Called, it runs the task and returns its output, or raises ``TaskFailed``. ``aio`` does the same without blocking an
    event loop, ``result`` returns the whole ``TaskResult`` and does not raise where the task fails.
    """

    def __init__(self, run: Callable[..., TaskResult[Any]], task: _Task) -> None:
        self._run = run
        self._task = task
        functools.update_wrapper(self, task.function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the task, and return its output."""
        output: R_co = self.result(*args, **kwargs).output
        return output

    def result(self, *args: P.args, **kwargs: P.kwargs) -> TaskResult[R_co]:
        """Run the task, and return its result."""
        return self._run(self._task.text, **self._task.arguments(args, kwargs))

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the task in a thread, and return its output."""
        return await asyncio.to_thread(self, *args, **kwargs)

    def __repr__(self) -> str:
        return f"<web task {self._task.function.__name__}{self._task.signature}>"


class AsyncTypedTask(Generic[P, R_co]):
    """A web task as an async function; made by ``AsyncEngine.task``. ``aio`` is another name for the call."""

    def __init__(self, run: Callable[..., Awaitable[TaskResult[Any]]], task: _Task) -> None:
        self._run = run
        self._task = task
        functools.update_wrapper(self, task.function)

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the task, and return its output."""
        output: R_co = (await self.result(*args, **kwargs)).output
        return output

    async def result(self, *args: P.args, **kwargs: P.kwargs) -> TaskResult[R_co]:
        """Run the task, and return its result."""
        return await self._run(self._task.text, **self._task.arguments(args, kwargs))

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the task, and return its output."""
        return await self(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<async web task {self._task.function.__name__}{self._task.signature}>"


class Decorates(Protocol):
    """A decorator that makes a function of the blocking engine."""

    def __call__(self, function: Callable[P, R]) -> TypedTask[P, R]:
        """Return the function as a web task."""


class DecoratesAsync(Protocol):
    """A decorator that makes a function of the async engine, of an async function or a plain one."""

    @typing.overload
    def __call__(self, function: Callable[P, Awaitable[R]]) -> AsyncTypedTask[P, R]: ...
    @typing.overload
    def __call__(self, function: Callable[P, R]) -> AsyncTypedTask[P, R]: ...


def named_options(key: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a task with its key among them, and without those that stand for a default."""
    for name in OF_EACH_CALL:
        if options.get(name) is not None:
            raise InvalidRequest(f"{name} cannot be given to task(…): {OF_EACH_CALL[name]}", field=name)
    check_names("task", options, [*TaskOptions.__annotations__, "key"])
    given = {name: value for name, value in options.items() if value is not None}
    return given if key is None else {**given, "reuse_key": key}


def describe(function: Callable[..., Any], text: str | None, options: Mapping[str, Any]) -> _Task:
    """Return a function's signature as a task.

    Args:
        function: A function whose parameters are those of the task; of its body only the docstring counts.
        text: The task; None for the docstring.
        options: Further arguments of each run; ``reuse_key`` is the function's name where it is not given.

    Raises:
        InvalidRequest: There is no text, or a parameter or the output has no type that JSON can hold.
    """
    name = getattr(function, "__name__", "task")
    text = text or inspect.getdoc(function)
    if not text:
        raise InvalidRequest(f"{name} has no task: give its text to task(…), or a docstring", field="task")
    signature = inspect.signature(function)
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise InvalidRequest(
            f"{name}: {error}; the types in its signature must be known where its module is loaded", field="task"
        ) from None
    known = [p.replace(annotation=hints.get(p.name, p.annotation)) for p in signature.parameters.values()]
    returned = hints.get("return", signature.return_annotation)
    signature = signature.replace(parameters=known, return_annotation=returned)
    adapters = {}
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise InvalidRequest(
                f"{name} takes {str(parameter).partition(':')[0]}; a web task names each parameter", field="parameters"
            )
        adapters[parameter.name] = _adapter(name, parameter.name, hints.get(parameter.name, Any))
    returns = hints.get("return")
    returns = None if returns in (Any, type(None)) else returns
    if returns is not None:
        OutputSchema(returns)  # refused here, not at the first call
    secrets = tuple(parameter for parameter in adapters if hints.get(parameter) is SecretStr)
    given = {"reuse_key": name, **options}
    return _Task(text, function, signature, adapters, secrets, returns, given)


def _adapter(function: str, parameter: str, hint: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(hint)
    except PydanticSchemaGenerationError as error:
        raise InvalidRequest(
            f"{function}({parameter}: {hint!r}): no JSON can hold that type; {error.message.splitlines()[0]}",
            field="parameters",
        ) from None
