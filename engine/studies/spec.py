"""A study as it is written down: its data set, models, options, variants and caps."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from engine.errors import InvalidRequest
from engine.task.redaction import Redactor, secret_names, secrets_of_urls

RUN_OPTIONS = frozenset({"trust", "browser", "allow_hosts", "timeout", "provenance"})
ENGINE_OPTIONS = frozenset({"limits", "compile", "egress", "window", "per_host"})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Case(_Part):
    """One task of the data set: a line of its file.

    Args:
        id: Its name in the study's tables.
        task: The task in plain words.
        start_url: Where it begins. Instead, ``site`` names a fixture site, which is served for each trial.
        start_path: The page of the fixture site to begin at.
        parameters: Inputs of the task.
        output_schema: JSON Schema of the output.
        secrets: Names of secret parameters; their values are in no file of the study.
        truth: The right output. A fixture site's own truth is taken where neither this nor a checker is given.
        checker: ``module:function``, called with the output and a ``Judged``; it returns True where the output is
            right, and False or the fault in words where it is not.
        layout: ``module:name`` of a ``drift.Layout``, for mutations that need one.
    """

    id: str = Field(min_length=1)
    task: str = Field(min_length=1)
    start_url: str | None = None
    site: str | None = None
    start_path: str = "/"
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    secrets: tuple[str, ...] = ()
    truth: Any = None
    checker: str | None = None
    layout: str | None = None

    @model_validator(mode="after")
    def _can_be_run_and_judged(self) -> Case:
        if (self.start_url is None) == (self.site is None):
            raise ValueError("give either start_url or site")
        if self.site is None and not self.has_truth and self.checker is None:
            raise ValueError("give truth or checker: without one nobody knows which output is right")
        return self

    @property
    def has_truth(self) -> bool:
        """True where the data set tells the right output; it may be null."""
        return "truth" in self.model_fields_set

    @property
    def redactor(self) -> Redactor:
        """Replaces the secrets of the task, wherever they stand."""
        in_urls = secrets_of_urls(f"{self.task} {self.start_url or ''}", None, self.parameters)
        return Redactor({**self.parameters, **in_urls}, secret_names(self.parameters, self.secrets) | in_urls.keys())

    def public(self) -> dict[str, Any]:
        """Return the line as it may be kept, without the values of secrets."""
        shown = self.model_dump(mode="json", exclude_unset=True)
        if "parameters" in shown:
            shown["parameters"] = self.redactor.parameters(self.parameters)
        hidden: dict[str, Any] = self.redactor.data(shown, numbers=False)
        return hidden


class ModelChoice(_Part):
    """A model of the study.

    Args:
        name: Its name in the study's tables; without ``make`` also the engine's name of it: ``haiku``, or an id.
        make: ``module:function``, or in Python a function, which is called with the ``Trial`` and returns a ``Model``.
    """

    name: str = Field(min_length=1)
    make: str | Callable[[Any], Any] | None = None


class Options(_Part):
    """A set of options that the trials of one arm of the study have.

    Args:
        name: Its name in the study's tables.
        run: Arguments of ``run``: ``trust``, ``browser``, ``allow_hosts``, ``timeout``, ``provenance``.
        engine: Arguments of the engine: ``limits``, ``compile``, ``egress``, ``window``, ``per_host``.
    """

    name: str = "default"
    run: Mapping[str, Any] = Field(default_factory=dict)
    engine: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Options:
        for place, given, known in (("run", self.run, RUN_OPTIONS), ("engine", self.engine, ENGINE_OPTIONS)):
            if unknown := sorted(set(given) - known):
                raise ValueError(f"{place} has no option {unknown[0]!r}; it has {', '.join(sorted(known))}")
        return self


class Variant(_Part):
    """One way in which the site changes after an automation was saved.

    Args:
        name: Its name in the study's tables.
        mutation: A mutation of ``engine.testing.drift`` by name, or ``module:name`` of one.
        version: The version of a fixture site, such as ``v2``, its redesign.
        seed: The day of a fixture site's data; the truth is that day's.
        start_urls: By id of a task, the address that takes the place of its own.
    """

    name: str = Field(min_length=1)
    mutation: str | None = None
    version: str | None = None
    seed: int | None = None
    start_urls: Mapping[str, str] = Field(default_factory=dict)


def _distinct(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    names = [part.id if isinstance(part, Case) else part.name for part in parts]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{twice[0]!r} is there twice; each needs a name of its own")
    return parts


def _named(key: str) -> Callable[[Any], Any]:
    def expand(parts: Any) -> Any:
        listed = parts if isinstance(parts, (list, tuple)) else [parts]
        return tuple({"name": part, key: part} if isinstance(part, str) and key else part for part in listed)

    return expand


def _models(parts: Any) -> Any:
    if isinstance(parts, Mapping):
        return tuple({"name": name, "make": make} for name, make in parts.items())
    return tuple({"name": part} if isinstance(part, str) else part for part in parts)


class StudySpec(_Part):
    """A whole study.

    Args:
        name: Its name: letters, digits, ``-`` and ``_``.
        tasks: The data set.
        models: The models; each does every task.
        options: The sets of options; each is tried with every model and task. Default: one, of defaults.
        repeats: Trials of each task, model and set of options, each on a fresh key.
        replays: Replays on the unchanged site after each right first run.
        variants: What happens to the site then, one at a time, each to the automation as it was after the replays.
        repair: True (default) has the model repair what fails under a variant.
        usd: Most dollars of the whole study. A trial begins only where the most that it may cost is still left.
        usd_per_run: Most dollars of one run of the model: the first, and each repair.
        timeout: Most seconds of one run.
        seed: The seed of the study, from which each trial has its own.
        at_once: Most trials at once.
        home: The directory that files and modules are looked for in.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")
    tasks: Annotated[tuple[Case, ...], Field(min_length=1), AfterValidator(_distinct)]
    models: Annotated[tuple[ModelChoice, ...], Field(min_length=1), BeforeValidator(_models), AfterValidator(_distinct)]
    options: Annotated[tuple[Options, ...], Field(min_length=1), AfterValidator(_distinct)] = (Options(),)
    repeats: int = Field(default=1, ge=1)
    replays: int = Field(default=1, ge=0)
    variants: Annotated[tuple[Variant, ...], BeforeValidator(_named("mutation")), AfterValidator(_distinct)] = ()
    repair: bool = True
    usd: float = Field(ge=0)
    usd_per_run: float = Field(default=0.5, ge=0)
    timeout: float = Field(default=600.0, gt=0)
    seed: int = 0
    at_once: int = Field(default=2, ge=1)
    home: Path = Field(default_factory=Path.cwd, exclude=True)

    @classmethod
    def load(cls, study: str | Path | Mapping[str, Any]) -> StudySpec:
        """Return the study that a TOML file, or a mapping of the same names, describes.

        Raises:
            InvalidRequest: It is malformed, or a file cannot be read.
        """
        if isinstance(study, Mapping):
            given, home = dict(study), Path(study.get("home") or Path.cwd())
        else:
            file = Path(study)
            given, home = _toml(file), file.absolute().parent
        given["variants"] = [*given.get("variants", ()), *given.pop("mutations", ())]
        tasks = given.get("tasks")
        if isinstance(tasks, (str, Path)):
            given["tasks"] = _lines(home / tasks)
        try:
            return cls(**{**given, "home": home})
        except ValidationError as error:
            raise _invalid(error) from None

    @property
    def usd_per_trial(self) -> float:
        """The most dollars that one trial may cost: its first run, and a repair under each variant."""
        return self.usd_per_run * (1 + (len(self.variants) if self.repair else 0))

    @property
    def data_hash(self) -> str:
        """SHA-256 of the data set, as canonical JSON without the values of secret parameters."""
        return _digest([case.public() for case in self.tasks])

    def public(self) -> dict[str, Any]:
        """Return the study as it is kept: without secret values, and with functions by their names."""
        shown = self.model_dump(mode="json", exclude={"tasks", "models"})
        return {
            **shown,
            "models": [{"name": m.name, "make": _function_name(m.make)} for m in self.models],
            "tasks": [case.public() for case in self.tasks],
        }


def _function_name(make: Any) -> str | None:
    if make is None or isinstance(make, str):
        return make
    return f"{getattr(make, '__module__', '')}:{getattr(make, '__qualname__', type(make).__qualname__)}"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{file} is not TOML: {error}", field="study") from None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{file} cannot be read: {error}", field="study") from None


def _lines(file: Path) -> list[Any]:
    found = []
    for number, line in enumerate(_text(file).splitlines(), 1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise InvalidRequest(f"{file}, line {number}, is not JSON: {error}", field="tasks") from None
    return found


def _invalid(error: ValidationError) -> InvalidRequest:
    every = error.errors()
    # A list with a malformed part is called too short, too.
    found = [fault for fault in every if fault["type"] != "too_short"] or every
    faults = [f"{_where(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}" for fault in found]
    return InvalidRequest(f"the study is malformed: {'; '.join(faults[:5])}", field=_where(found[0]["loc"]))


def _where(path: Iterable[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "study"
