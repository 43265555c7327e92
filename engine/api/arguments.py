"""The arguments of the engine's methods: their types, their check, and how ``help()`` shows them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Required, TypedDict, TypeVar

from engine.api.options import RUN_DEFAULTS, Progress, RunOptions, TaskOptions
from engine.cassettes.options import CassetteOptions
from engine.errors import InvalidRequest
from engine.execution.network import EgressOption
from engine.models.base import Model
from engine.task.events import OnEvent
from engine.task.wire import AiMode, CompileMode, Limits
from sandbox.isolation.mechanism import Isolation

if TYPE_CHECKING:
    from engine.bundles import PlainBundles
    from sandbox import PerHost, PoolOptions

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S")

_DEFAULTS: Mapping[str, Any] = {
    **RUN_DEFAULTS,
    "ai": None,
    "key": None,
    "on_event": None,
    "wait_timeout": None,
    "poll": 5.0,
}


class StartArguments(RunOptions, total=False):
    """The arguments of ``start`` beside the task."""

    key: str | None
    on_event: OnEvent | None


class WaitOptions(TypedDict, total=False):
    """The options of waiting for a task."""

    wait_timeout: float | None
    poll: float


class TypedOptions(TaskOptions, Generic[S], total=False):
    """The options of a task with a class or type as the output's schema, which is the type of the output."""

    output_schema: Required[type[S]]


class RunArguments(StartArguments, WaitOptions, total=False):
    """The arguments of ``run`` beside the task; ``AsyncEngine.run`` describes each."""


class TypedRunArguments(TypedOptions[S], WaitOptions, total=False):
    """The same with a class or type as the output's schema."""

    key: str | None
    on_event: OnEvent | None


class MapArguments(RunArguments, total=False):
    """The arguments that the requests of ``map`` may share."""

    task: str | None


class TypedMapArguments(TypedRunArguments[S], total=False):
    """The same with a class or type as the schema of all outputs."""

    task: str | None


class AdoptArguments(TypedDict, total=False):
    """The arguments of ``adopt`` beside the key."""

    parameters: Mapping[str, Any] | None
    other_parameters: Mapping[str, Any] | None
    start_url: str | None
    timeout: float | None
    on_event: OnEvent | None


class CompileArguments(TypedDict, total=False):
    """The arguments of ``compile`` beside the key."""

    parameters: Mapping[str, Any] | None
    start_url: str | None
    model: str | None
    budget_usd: float | None
    timeout: float | None
    on_event: OnEvent | None


class EngineArguments(TypedDict, total=False):
    """The arguments of an engine; ``AsyncEngine`` describes each."""

    store: str | Path
    bundles: str | Path | PlainBundles | None
    model: str | Model
    workspace: str
    base_url: str | None
    api_key: str | None
    window: int | None
    isolation: Isolation
    browser: str | Path | None
    limits: Limits | None
    max_tasks: int
    max_web_tasks: int | None
    max_pending: int
    usd_per_day: float | None
    key_usd_per_day: float | None
    pool: PoolOptions | None
    per_host: PerHost | int | None
    compile: CompileMode
    egress: EgressOption
    proxy: str | None
    trust_start_urls: bool
    allow_hosts: Collection[str]
    take_over: bool
    keep_pictures: bool
    trace: bool
    progress: Progress
    ai: AiMode
    record: str | Path | None
    replay: str | Path | None
    cassette: CassetteOptions | None


def check_names(method: str, given: Iterable[str], known: Collection[str]) -> None:
    """Refuse an argument that there is not.

    Raises:
        TypeError: The method has no such argument; the message names one that is spelled nearly the same.

    >>> check_names("run", ["start_ulr"], ["task", "start_url"])
    Traceback (most recent call last):
    TypeError: run() has no argument 'start_ulr'; did you mean 'start_url'?
    """
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            if near:
                remedy = f"did you mean {near[0]!r}?"
            elif name in EngineArguments.__annotations__:
                remedy = f"it is one of the engine: Engine({name}=…)"
            else:
                remedy = f"it takes {', '.join(known)}"
            raise TypeError(f"{method}() has no argument {name!r}; {remedy}")


def pop_wait(arguments: dict[str, Any]) -> tuple[float | None, float]:
    """Take ``wait_timeout`` and ``poll`` out of the arguments.

    Raises:
        InvalidRequest: One is no number of seconds.
    """
    wait_timeout, poll = arguments.pop("wait_timeout", None), arguments.pop("poll", None)
    for name, seconds in (("wait_timeout", wait_timeout), ("poll", poll)):
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if seconds is not None and not (number and seconds >= 0):
            raise InvalidRequest(f"{name} must be seconds, zero or more, not {seconds!r}", field=name)
    return wait_timeout, _DEFAULTS["poll"] if poll is None else poll


def pop_key(arguments: dict[str, Any]) -> str | None:
    """Take the reuse key out of the arguments, which may call it ``key`` as the decorator ``task`` does.

    Raises:
        InvalidRequest: Both names are used, for different keys.

    >>> pop_key({"key": "invoices"}), pop_key({})
    ('invoices', None)
    """
    short, key = arguments.pop("key", None), arguments.pop("reuse_key", None)
    if None not in (short, key) and short != key:
        raise InvalidRequest(f"key and reuse_key are the same argument, not {short!r} and {key!r}", field="reuse_key")
    found: str | None = key if short is None else short
    return found


def pop_on_event(arguments: dict[str, Any]) -> OnEvent | None:
    """Take the callback out of the arguments.

    Raises:
        InvalidRequest: It is no function.
    """
    on_event: OnEvent | None = arguments.pop("on_event", None)
    if on_event is not None and not callable(on_event):
        raise InvalidRequest(f"on_event must be a function, not {on_event!r}", field="on_event")
    return on_event


def takes(arguments: type, *, without: Collection[str] = ()) -> Callable[[F], F]:
    """Let ``help()`` and ``inspect`` show a method's arguments by name, where it takes them as ``**arguments``.

    Args:
        arguments: The TypedDict of them.
        without: Names of those that the method refuses.
    """

    def show(method: F) -> F:
        signature = inspect.signature(method)
        own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        named = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS.get(name), annotation=_written(annotation)
            )
            for name, annotation in arguments.__annotations__.items()
            if name not in without
        ]
        method.__signature__ = signature.replace(parameters=[*own, *named])  # type: ignore[attr-defined]  # what help() shows
        return method

    return show


def like(original: Callable[..., Any]) -> Callable[[F], F]:
    """Show the arguments of another method, and what its docstring says of them."""

    def show(method: F) -> F:
        signature = inspect.signature(original)
        if inspect.isclass(original):
            signature = inspect.signature(original.__init__).replace(return_annotation=None)
        else:
            explained = inspect.cleandoc(original.__doc__ or "").partition(">>>")[0]
            _, head, sections = explained.partition("\nArgs:")
            method.__doc__ = f"{inspect.cleandoc(method.__doc__ or '').rstrip()}\n\n{(head + sections).strip()}\n"
        method.__signature__ = signature  # type: ignore[attr-defined]  # what help() shows
        return method

    return show


def _written(annotation: Any) -> Any:
    return getattr(annotation, "__forward_arg__", annotation)
