"""Web tasks as functions, on a scripted sandbox."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from typing_extensions import TypedDict

import sandbox
from engine import AsyncEngine, Engine, InvalidRequest, TaskFailed
from engine.contract import Observed, learn
from engine.testing import ScriptedSandbox, outcome
from sandbox import Evidence, ScriptError
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

URL = "http://127.0.0.1:9/list"
PAGE = Evidence(url=URL, text="Prices", status=200)
ROWS = [{"name": "Alder", "since": "2001-02-03"}, {"name": "Birch", "since": "1999-12-31"}]


class Business(BaseModel):
    name: str
    since: datetime.date


@dataclass
class Entry:
    name: str
    since: str


class Opaque:
    pass


class Row(TypedDict):
    name: str
    since: str


@pytest.fixture
def scripted(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedSandbox]:
    """Save an automation under the key ``businesses``, and let the sandbox give these outcomes."""

    def script(*steps: Any, parameters: Any = None) -> ScriptedSandbox:
        given = {"category": "Surveying"} if parameters is None else parameters
        save(tmp_path, "businesses", "code", parameters=given, contract=learn([Observed(ROWS, PAGE)]))
        made = ScriptedSandbox(*steps or [outcome(ROWS, evidence=PAGE)] * 3)
        monkeypatch.setattr(sandbox, "Sandbox", lambda **options: made)
        return made

    return script


@pytest.mark.parametrize("kind", [Business, Entry, Row])
def test_the_output_has_the_type_that_the_function_returns(
    tmp_path: Path, scripted: Callable[..., ScriptedSandbox], kind: Any
) -> None:
    run = scripted()
    with Engine(store=tmp_path, model=NoModel()) as engine:

        def businesses(category: str) -> Any: ...

        businesses.__annotations__["return"] = list[kind]
        task = engine.task(TASK, start_url=URL, ai="never")(businesses)
        rows = task("Surveying")
    first = rows[0]
    assert (first["name"] if kind is Row else first.name) == "Alder"
    assert type(first) is (dict if kind is Row else kind)
    assert run.calls[0].parameters == {"category": "Surveying"}


def test_a_failed_task_raises_and_its_result_tells(tmp_path: Path, scripted: Callable[..., ScriptedSandbox]) -> None:
    scripted(*[outcome(error=ScriptError("TimeoutError", "gone", kind="timeout"), evidence=PAGE)] * 4)
    with Engine(store=tmp_path, model=NoModel()) as engine:

        @engine.task(TASK, start_url=URL, ai="never")
        def businesses(category: str) -> list[Row]: ...

        with pytest.raises(TaskFailed, match="gone"):
            businesses("Surveying")
        assert businesses.result(category="Surveying").outcome == "failed"


async def test_both_engines_have_an_async_call(tmp_path: Path, scripted: Callable[..., ScriptedSandbox]) -> None:
    scripted()
    with Engine(store=tmp_path, model=NoModel()) as engine:

        @engine.task(TASK, key="businesses", start_url=URL, ai="never")
        def listed(category: str) -> list[Row]: ...

        assert await listed.aio(category="Surveying") == ROWS
    async with AsyncEngine(store=tmp_path, model=NoModel()) as other:

        @other.task(TASK, start_url=URL, ai="never")
        async def businesses(category: str) -> list[Business]: ...

        assert (await businesses("Surveying"))[1].since == datetime.date(1999, 12, 31)
        assert (await businesses.result("Surveying")).reuse_key == "businesses"


def test_parameters_are_checked_and_become_json(tmp_path: Path, scripted: Callable[..., ScriptedSandbox]) -> None:
    run = scripted(parameters={"since": "2020-01-01", "pages": 1, "password": "x"})
    with Engine(store=tmp_path, model=NoModel()) as engine:

        @engine.task(TASK, start_url=URL, ai="never")
        def businesses(since: datetime.date, password: SecretStr, pages: int = 2) -> list[Row]: ...

        result = businesses.result(datetime.date(2026, 1, 2), password=SecretStr("hunter22"))
        assert run.calls[0].parameters == {"since": "2026-01-02", "pages": 2, "password": "hunter22"}
        assert "hunter22" not in result.model_dump_json()
        with pytest.raises(InvalidRequest, match=r"businesses\(since=…\): .*date"):
            businesses("next week", SecretStr("x"))  # type: ignore[arg-type]  # what is tested
        with pytest.raises(TypeError, match="missing a required argument: 'password'"):
            businesses(datetime.date(2026, 1, 2))  # type: ignore[call-arg]  # what is tested


def test_the_docstring_may_be_the_task(tmp_path: Path, scripted: Callable[..., ScriptedSandbox]) -> None:
    scripted()
    with Engine(store=tmp_path, model=NoModel()) as engine:

        @engine.task(start_url=URL, ai="never")
        def businesses(category: str) -> list[Row]:
            """Take down what the page says"""
            raise NotImplementedError

        assert businesses("Surveying") == ROWS
        assert businesses.__doc__ == TASK


def test_what_is_no_task_is_refused_where_it_is_decorated(tmp_path: Path) -> None:
    def no_text(category: str) -> None: ...
    def any_names(*names: str) -> None: ...
    def opaque(thing: Opaque) -> None: ...
    def unknown(thing: Unknown) -> None: ...  # type: ignore[name-defined]  # noqa: F821  what is tested

    with Engine(store=tmp_path, model=NoModel()) as engine:
        with pytest.raises(InvalidRequest, match="no_text has no task"):
            engine.task()(no_text)
        with pytest.raises(InvalidRequest, match=r"any_names takes \*names;"):
            engine.task("List")(any_names)
        with pytest.raises(InvalidRequest, match="no JSON can hold that type"):
            engine.task("List")(opaque)
        with pytest.raises(InvalidRequest, match="'Unknown' is not defined"):
            engine.task("List")(unknown)
        with pytest.raises(InvalidRequest, match="they are those of the function"):
            engine.task("List", parameters={"a": 1})
        with pytest.raises(TypeError, match="did you mean 'start_url'"):
            engine.task("List", start_ulr=URL)  # type: ignore[call-arg]  # what is tested
