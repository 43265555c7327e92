"""Both faces of the engine take the same arguments, show them, and name a misspelled one."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, Engine
from engine.api.arguments import AdoptArguments, EngineArguments
from engine.errors import InvalidRequest
from tests.support.saved import TASK
from tests.support.stage import NoModel

METHODS = [
    name
    for name, method in inspect.getmembers(AsyncEngine, inspect.isfunction)
    if not name.startswith("_") and name not in ("open", "drain")
]


def arguments(function: Any) -> dict[str, tuple[Any, Any]]:
    return {p.name: (str(p.annotation), p.default) for p in inspect.signature(function).parameters.values()}


@pytest.mark.parametrize("method", METHODS)
def test_both_faces_show_the_same_arguments(method: str) -> None:
    asynchronous, blocking = arguments(getattr(AsyncEngine, method)), arguments(getattr(Engine, method))
    assert blocking == asynchronous
    assert not {"arguments", "options", "shared"} & blocking.keys(), "each argument is shown by its name"


def test_both_constructors_take_the_same_options() -> None:
    options = arguments(AsyncEngine.__init__)
    assert arguments(Engine.__init__) == options
    del options["self"]
    written = {name: annotation.__forward_arg__ for name, annotation in EngineArguments.__annotations__.items()}
    assert written == {name: annotation for name, (annotation, _) in options.items()}


def test_adopt_is_declared_as_it_is() -> None:
    declared = {name: annotation.__forward_arg__ for name, annotation in AdoptArguments.__annotations__.items()}
    taken = arguments(AsyncEngine.adopt)
    assert declared == {name: taken[name][0] for name in taken if name not in ("self", "reuse_key")}


def test_help_of_the_blocking_face_explains_the_arguments() -> None:
    assert "start_url: An http or https URL to begin at" in (Engine.run.__doc__ or "")


@pytest.mark.parametrize(
    ("method", "arguments", "said"),
    [
        ("run", {"start_ulr": "http://127.0.0.1:9/"}, r"'start_ulr'; did you mean 'start_url'\?"),
        ("run", {"colour": "red"}, "'colour'; it takes task, start_url,"),
        ("run", {"limits": 1}, r"'limits'; it is one of the engine: Engine\(limits=…\)"),
        ("start", {"wait_timeout": 3}, "'wait_timeout'"),
        ("map", {"requests": [{}], "tsk": "x"}, r"'tsk'; did you mean 'task'\?"),
        ("repeat", {"repeats": 1, "reuse_kee": "k"}, r"'reuse_kee'; did you mean 'reuse_key'\?"),
    ],
)
async def test_misspelled_argument_is_named_with_its_method_and_a_near_match(
    tmp_path: Path, method: str, arguments: dict[str, Any], said: str
) -> None:
    task = {} if method == "map" else {"task": TASK}
    async with AsyncEngine(store=tmp_path / "store", model=NoModel()) as engine:
        with pytest.raises(TypeError, match=rf"^{method}\(\) has no argument {said}"):
            await getattr(engine, method)(**task, **arguments)
    assert not (tmp_path / "store").exists()


async def test_misspelled_argument_of_one_request_of_a_map_is_named(tmp_path: Path) -> None:
    async with AsyncEngine(store=tmp_path / "store", model=NoModel()) as engine:
        with pytest.raises(TypeError, match=r"run\(\) has no argument 'tsk'; did you mean 'task'\?"):
            await engine.map([{"task": TASK}, {"tsk": TASK}])
    assert not (tmp_path / "store").exists()


def test_misspelled_option_of_an_engine_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"Engine\(\) has no argument 'stor'; did you mean 'store'\?"):
        Engine(**{"stor": tmp_path})  # type: ignore[arg-type]  # the mistake


async def test_key_is_short_for_reuse_key_and_the_engine_says_what_ai_means(tmp_path: Path) -> None:
    async with AsyncEngine(store=tmp_path, model=NoModel(), ai="never") as engine:
        result = await engine.run(TASK, key="k")
        assert (result.reuse_key, result.error and result.error.reason) == ("k", "nothing-saved")
        (one,) = await engine.map([{"task": TASK, "key": "m", "reuse_key": "m"}])
        assert one.reuse_key == "m"
        with pytest.raises(InvalidRequest, match="key and reuse_key are the same argument"):
            await engine.run(TASK, key="k", reuse_key="other")
    with pytest.raises(InvalidRequest, match="ai must be one of"):
        AsyncEngine(store=tmp_path, ai="sometimes")  # type: ignore[arg-type]  # what a caller may get wrong
